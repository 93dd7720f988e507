/* Passes over activations that torch makes in several steps: each number is read once and written once.

   All arrays are float32 without gaps unless said otherwise.  Rows are shared out among threads; each row is computed
   by one thread in one order, so results do not depend on their number.  What is not a number stays none. */

#include <stdint.h>

#define SHARED _Pragma("omp parallel for num_threads(threads) schedule(static)")
#define ROWS SHARED for (int64_t n = 0; n < rows; n++)
#define EACH _Pragma("omp simd") for (int64_t i = 0; i < width; i++)
#define BLOCKS SHARED for (int64_t b = 0; b < (rows + BLOCK - 1) / BLOCK; b++)
#define SUM _Pragma("omp simd reduction(+ : sum)") for (int64_t i = 0; i < width; i++)

static const float LEVELS = 127.0f, LEAST = 1e-30f;
static const float LOWEST = -60.0f; /* below it e^x counts as 0: the smallest floats are multiplied a hundred times slower */
static const float WHOLE = 12582912.0f; /* 1.5 * 2^23: a float32 near it has no fraction left */

typedef union {
    float number;
    uint32_t bits;
    int32_t whole;
} both;

static inline uint32_t bits(float value) { return ((both){.number = value}).bits; }

static inline float number(uint32_t value) { return ((both){.bits = value}).number; }

/* e^x to about two units in the last place; what is not a number stays none. */
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
    found = given < LOWEST ? 0.0f : found;
    return given == given ? found : given;
}

static inline float top_of(const float *x, int64_t width) {
    float top = x[0];
    _Pragma("omp simd reduction(max : top)") for (int64_t i = 0; i < width; i++) top = x[i] > top ? x[i] : top;
    return top;
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

/* gate and up become their gradients. */
void swiglu_back(const float *grad, float *gate, float *up, int64_t rows, int64_t width, int threads) {
    ROWS {
        const float *d = grad + n * width;
        float *g = gate + n * width, *u = up + n * width;
        EACH {
            float share = sigmoid(g[i]), swish = g[i] * share, slope = share + swish * (1.0f - share);
            g[i] = d[i] * u[i] * slope;
            u[i] = d[i] * swish;
        }
    }
}

/* ---- layers of encoders -------------------------------------------------------------------------------------- */

enum { BLOCK = 64 }; /* rows whose sums of columns are added up by one thread in one order */

/* Thirty-two bits that depend on all of x (Wellons' hash of two multiplications). */
static inline uint32_t mixed(uint32_t x) {
    x = (x ^ (x >> 16)) * 0x7feb352du;
    x = (x ^ (x >> 15)) * 0x846ca68bu;
    return x ^ (x >> 16);
}

/* What element `at` is multiplied by under dropout: 0 for `dropped` of 65,536 numbers, else `grown`. */
static inline float kept(uint32_t at, uint32_t seed, uint32_t other, uint32_t dropped, float grown) {
    return (mixed(mixed(at + seed) ^ other) >> 16) < dropped ? 0.0f : grown;
}

/* product becomes dropout(product + bias) + beside; y is its layer norm, by `inverse` after `mean` was taken away. */
void drop_add_norm(float *product, const float *bias, const float *beside, const float *weight, const float *shift,
                   float *y, float *mean, float *inverse, uint32_t seed, uint32_t other, uint32_t dropped,
                   float grown, float epsilon, int64_t rows, int64_t width, int threads) {
    ROWS {
        float *at = product + n * width, *to = y + n * width, sum = 0.0f;
        const float *add = beside + n * width;
        uint32_t first = (uint32_t)(n * width);
        SUM {
            at[i] = (at[i] + bias[i]) * kept(first + (uint32_t)i, seed, other, dropped, grown) + add[i];
            sum += at[i];
        }
        float middle = sum / (float)width;
        sum = 0.0f;
        SUM sum += (at[i] - middle) * (at[i] - middle);
        float times = 1.0f / __builtin_sqrtf(sum / (float)width + epsilon);
        EACH to[i] = (at[i] - middle) * times * weight[i] + shift[i];
        mean[n] = middle;
        inverse[n] = times;
    }
}

/* Gradients of `beside` and of the product, and sums over each block's rows of those by weight, shift and bias
   [blocks, 3, width]. */
void drop_add_norm_back(const float *grad, const float *sums, const float *weight, const float *mean,
                        const float *inverse, float *to_beside, float *to_product, float *columns, uint32_t seed,
                        uint32_t other, uint32_t dropped, float grown, int64_t rows, int64_t width, int threads) {
    BLOCKS {
        float *by_weight = columns + 3 * b * width, *by_shift = by_weight + width, *by_bias = by_shift + width;
        EACH by_weight[i] = by_shift[i] = by_bias[i] = 0.0f;
        for (int64_t n = b * BLOCK; n < rows && n < (b + 1) * BLOCK; n++) {
            const float *from = grad + n * width, *at = sums + n * width;
            float *beside = to_beside + n * width, *product = to_product + n * width, sum = 0.0f, along = 0.0f;
            float middle = mean[n], times = inverse[n];
            uint32_t first = (uint32_t)(n * width);
            _Pragma("omp simd reduction(+ : sum, along)") for (int64_t i = 0; i < width; i++) {
                float place = (at[i] - middle) * times, slope = from[i] * weight[i];
                by_weight[i] += from[i] * place;
                by_shift[i] += from[i];
                sum += slope;
                along += slope * place;
            }
            sum /= (float)width;
            along /= (float)width;
            EACH {
                float back = times * (from[i] * weight[i] - sum - (at[i] - middle) * times * along);
                float inner = back * kept(first + (uint32_t)i, seed, other, dropped, grown);
                beside[i] = back;
                product[i] = inner;
                by_bias[i] += inner;
            }
        }
    }
}

/* The normal distribution's share below x, and its density there.
   Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 7.1.26: off by 1.5e-7 at most. */
static inline float below(float x, float *density) {
    float size = __builtin_fabsf(x) * 0.70710678f, part = 1.0f / (1.0f + 0.3275911f * size);
    float falling = power(-size * size), found = 1.061405429f;
    found = found * part - 1.453152027f;
    found = found * part + 1.421413741f;
    found = found * part - 0.284496736f;
    found = found * part + 0.254829592f;
    found = 0.5f * found * part * falling;
    *density = 0.39894228f * falling;
    return x < 0.0f ? found : 1.0f - found;
}

/* inside becomes inside + bias, y = inside * share below it (GELU). */
void gelu(float *inside, const float *bias, float *y, int64_t rows, int64_t width, int threads) {
    ROWS {
        float *at = inside + n * width, *to = y + n * width;
        EACH {
            float density, x = at[i] + bias[i];
            at[i] = x;
            to[i] = x * below(x, &density);
        }
    }
}

/* grad becomes the gradient of inside; sums over each block's rows [blocks, width]. */
void gelu_back(float *grad, const float *inside, float *columns, int64_t rows, int64_t width, int threads) {
    BLOCKS {
        float *total = columns + b * width;
        EACH total[i] = 0.0f;
        for (int64_t n = b * BLOCK; n < rows && n < (b + 1) * BLOCK; n++) {
            float *to = grad + n * width;
            const float *at = inside + n * width;
            EACH {
                float density, share = below(at[i], &density);
                to[i] *= share + at[i] * density;
                total[i] += to[i];
            }
        }
    }
}

/* ---- loss --------------------------------------------------------------------------------------------------- */

/* logits become weight * (softmax - 1 at the target); -log softmax at the target is top + log(total) - own [rows]. */
void cross_entropy(float *logits, const int64_t *targets, const float *weights, float *tops, float *totals,
                   float *own, int64_t rows, int64_t width, int threads) {
    ROWS {
        float *at = logits + n * width, top = top_of(at, width), sum = 0.0f;
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
