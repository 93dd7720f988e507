/* Passes over activations that torch makes in several steps: each number is read once and written once.

   All arrays are float32 without gaps unless said otherwise.  Rows are shared out among threads; each row is computed
   by one thread in one order, so results do not depend on their number.  What is not a number stays none. */

#include <stdint.h>

#define ROWS _Pragma("omp parallel for num_threads(threads) schedule(static)") for (int64_t n = 0; n < rows; n++)
#define EACH _Pragma("omp simd") for (int64_t i = 0; i < width; i++)
#define SUM _Pragma("omp simd reduction(+ : sum)") for (int64_t i = 0; i < width; i++)

static const float LEVELS = 127.0f, LEAST = 1e-30f;
static const float WHOLE = 12582912.0f; /* 1.5 * 2^23: a float32 near it has no fraction left */

typedef union {
    float number;
    uint32_t bits;
    int32_t whole;
} both;

static inline uint32_t bits(float value) { return ((both){.number = value}).bits; }

static inline float number(uint32_t value) { return ((both){.bits = value}).number; }

/* e^x to about two units in the last place; x is held between -87 and 88, what is not a number stays none. */
static inline float power(float given) {
    /* written so, these are one instruction each; the other way round they cost eight times the whole */
    float above = given > -87.0f ? given : -87.0f, x = above < 88.0f ? above : 88.0f;
    float moved = x * 1.44269504f + WHOLE, twos = moved - WHOLE;
    float rest = (x - twos * 0.693359375f) + twos * 2.12194440e-4f;
    float found = 1.9875691500e-4f;
    found = found * rest + 1.3981999507e-3f;
    found = found * rest + 8.3334519073e-3f;
    found = found * rest + 4.1665795894e-2f;
    found = found * rest + 1.6666665459e-1f;
    found = found * rest + 5.0000001201e-1f;
    found = found * rest * rest + rest + 1.0f;
    found *= number((bits(moved) - bits(WHOLE) + 127u) << 23);
    return given == given ? found : given;
}

static inline float sigmoid(float x) { return 1.0f / (1.0f + power(-x)); }

/* ---- 8 bits ------------------------------------------------------------------------------------------------- */

static inline float largest(const float *x, int64_t width) {
    uint32_t most = 0; /* as whole numbers the sizes of floats have the same order, with what is no number on top */
    _Pragma("omp simd reduction(max : most)") for (int64_t i = 0; i < width; i++) {
        uint32_t size = bits(x[i]) & 0x7fffffffu;
        most = size > most ? size : most;
    }
    return number(most);
}

static inline float largest_of_products(const float *x, const float *by, int64_t width) {
    uint32_t most = 0;
    _Pragma("omp simd reduction(max : most)") for (int64_t i = 0; i < width; i++) {
        uint32_t size = bits(x[i] * by[i]) & 0x7fffffffu;
        most = size > most ? size : most;
    }
    return number(most);
}

static inline float step_of(float most) { return (most < LEAST ? LEAST : most) / LEVELS; }

/* codes int8, scales [rows]: x (times `by` [width], where given) = codes * scales, 255 levels a row. */
void round_rows(const float *x, const float *by, int8_t *codes, float *scales, int64_t rows, int64_t width,
                int threads) {
    ROWS {
        const float *from = x + n * width;
        int8_t *to = codes + n * width;
        float scale = step_of(by ? largest_of_products(from, by, width) : largest(from, width));
        float inverse = 1.0f / scale;
        if (by) EACH to[i] = (int8_t)bits((from[i] * by[i]) * inverse + WHOLE);
        else EACH to[i] = (int8_t)bits(from[i] * inverse + WHOLE);
        scales[n] = scale;
    }
}

/* sums int32 become float32 in place: sums * scales [rows] * by [width, where given]. */
void scale_sums(both *sums, const float *by, const float *scales, int64_t rows, int64_t width, int threads) {
    ROWS {
        both *at = sums + n * width;
        float scale = scales[n];
        _Pragma("omp simd") for (int64_t i = 0; i < width; i++) {
            float value = (float)at[i].whole * scale;
            at[i].number = by ? value * by[i] : value;
        }
    }
}

/* ---- layers of decoders ------------------------------------------------------------------------------------- */

/* y = weight * x / sqrt(mean(x^2) + epsilon); inverse [rows] is what x was multiplied by. */
void rms_norm(const float *x, const float *weight, float *y, float *inverse, float epsilon, int64_t rows,
              int64_t width, int threads) {
    ROWS {
        const float *from = x + n * width;
        float *to = y + n * width, sum = 0.0f;
        SUM sum += from[i] * from[i];
        float times = 1.0f / __builtin_sqrtf(sum / (float)width + epsilon);
        EACH to[i] = weight[i] * (from[i] * times);
        inverse[n] = times;
    }
}

/* The gradient of x. */
void rms_norm_back(const float *grad, const float *x, const float *weight, const float *inverse, float *back,
                   int64_t rows, int64_t width, int threads) {
    ROWS {
        const float *from = grad + n * width, *at = x + n * width;
        float *to = back + n * width, sum = 0.0f, times = inverse[n];
        SUM sum += from[i] * weight[i] * at[i];
        float along = sum * times * times * times / (float)width;
        EACH to[i] = from[i] * weight[i] * times - at[i] * along;
    }
}

/* y = gate * sigmoid(gate) * up (SwiGLU). */
void swiglu(const float *gate, const float *up, float *y, int64_t rows, int64_t width, int threads) {
    ROWS {
        const float *g = gate + n * width, *u = up + n * width;
        float *to = y + n * width;
        EACH to[i] = g[i] * sigmoid(g[i]) * u[i];
    }
}

/* The gradients of gate and up. */
void swiglu_back(const float *grad, const float *gate, const float *up, float *gate_back, float *up_back,
                 int64_t rows, int64_t width, int threads) {
    ROWS {
        const float *d = grad + n * width, *g = gate + n * width, *u = up + n * width;
        float *to_gate = gate_back + n * width, *to_up = up_back + n * width;
        EACH {
            float share = sigmoid(g[i]), swish = g[i] * share;
            to_gate[i] = d[i] * u[i] * (share + swish * (1.0f - share));
            to_up[i] = d[i] * swish;
        }
    }
}

/* ---- loss --------------------------------------------------------------------------------------------------- */

/* logits become weight * (softmax - 1 at the target); -log softmax at the target is top + log(total) - own [rows]. */
void cross_entropy(float *logits, const int64_t *targets, const float *weights, float *tops, float *totals,
                   float *own, int64_t rows, int64_t width, int threads) {
    ROWS {
        float *at = logits + n * width, top = at[0], sum = 0.0f;
        _Pragma("omp simd reduction(max : top)") for (int64_t i = 0; i < width; i++) top = at[i] > top ? at[i] : top;
        own[n] = at[targets[n]];
        SUM {
            float value = power(at[i] - top);
            at[i] = value;
            sum += value;
        }
        float times = weights[n] / sum;
        EACH at[i] *= times;
        at[targets[n]] -= weights[n];
        tops[n] = top;
        totals[n] = sum;
    }
}
