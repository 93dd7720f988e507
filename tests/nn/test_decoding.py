"""Decoding: every family, alone and in company, greedy and drawn, to the end of the window."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

pytestmark = pytest.mark.neural
SMALL = {
    "vocab_size": 97,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "llama": SMALL,
    "gpt2": {"vocab_size": 97, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 4, "eos_token_id": 2},
    "qwen2": SMALL,
    "mistral": SMALL | {"sliding_window": 8},
    "gemma2": SMALL | {"head_dim": 8, "sliding_window": 8, "query_pre_attn_scalar": 8},
    "phi": SMALL | {"num_key_value_heads": 4},
}
PROMPTS = [[1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], [1, 20], [1, 33, 34, 35, 36], [40, 41, 42]]


@cache
def model_of(family: str, kernel: str | None = None, width: str = "float32") -> Any:
    """kernel: None for the family's usual one, 'by_length' for the one that the house trains with."""
    import torch
    import transformers

    from tunesmith.nn import attention

    torch.manual_seed(3)
    settings = transformers.AutoConfig.for_model(family, **FAMILIES[family])
    usual = None if kernel == attention.NAME else kernel
    made = transformers.AutoModelForCausalLM.from_config(settings, attn_implementation=usual)
    if kernel == attention.NAME:
        attention.choose(made)
    for each in made.parameters():
        torch.nn.init.normal_(each, std=0.3) if each.ndim > 1 else None
    return made.to(getattr(torch, width)).eval()


def written(model: Any, prompts: Sequence[Sequence[int]], **options: Any) -> list[list[Any]]:
    """The tokens of each row."""
    from tunesmith.nn.decoding import decode

    rows = [[] for _ in prompts]
    given = {"max_tokens": [12] * len(prompts), "stops": frozenset(), "seeds": list(range(len(prompts)))}
    for step in decode(model, prompts, **(given | options)):
        for token in step:
            rows[token.row].append(token)
    return rows


def naive(model: Any, prompt: Sequence[int], count: int) -> Iterator[tuple[int, float]]:
    """Greedy tokens without a cache: the whole text is read anew at each step."""
    import torch

    ids = list(prompt)
    for _ in range(count):
        with torch.no_grad():
            logprobs = (
                model(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].float().log_softmax(-1)
            )
        ids.append(int(logprobs.argmax()))
        yield ids[-1], float(logprobs.max())


@pytest.mark.parametrize("kernel", [None, "eager", "by_length"])
@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_says_what_each_row_says_alone_and_without_a_cache(family: str, kernel: str | None) -> None:
    model, lengths = model_of(family, kernel), [12, 20, 3, 9]
    together = written(model, PROMPTS, max_tokens=lengths)
    for prompt, row, length in zip(PROMPTS, together, lengths, strict=True):
        alone = written(model, [prompt], max_tokens=[length])[0]
        plain = list(naive(model, prompt, length))
        assert [token.id for token in row] == [token.id for token in alone] == [each for each, _ in plain]
        for one, two, (_, three) in zip(row, alone, plain, strict=True):
            assert one.logprob == pytest.approx(two.logprob, abs=1e-4)
            assert one.logprob == pytest.approx(three, abs=1e-4)
        assert [token.end for token in row] == [""] * (length - 1) + ["length"]


@pytest.mark.parametrize("family", FAMILIES)
def test_bfloat16_gives_float32_logprobs_that_sum_to_one(family: str) -> None:
    rows = written(model_of(family, width="bfloat16"), PROMPTS, rivals=97, max_tokens=[3] * 4)
    for token in (token for row in rows for token in row):
        assert np.exp([logprob for _, logprob in token.rivals]).sum() == pytest.approx(1, abs=1e-4)
        assert token.rivals[0] == (token.id, token.logprob)


def test_the_same_seed_draws_the_same_text_whatever_the_company() -> None:
    model, seeds = model_of("llama"), [7, -1, 2**63, 7]
    options = {"temperature": 1.3, "top_p": 0.9}
    together = [[token.id for token in row] for row in written(model, PROMPTS, seeds=seeds, **options)]
    for place in (3, 0, 2, 1):
        alone = written(model, [PROMPTS[place]], seeds=[seeds[place]], **options)[0]
        assert [token.id for token in alone] == together[place]
    other = written(model, [PROMPTS[0]], seeds=[8], **options)[0]
    assert [token.id for token in other] != together[0]


def test_drawn_tokens_have_the_models_logprobs_and_follow_them() -> None:
    model, count = model_of("gpt2"), 400
    rows = written(model, [PROMPTS[0]] * count, max_tokens=[1] * count, temperature=1.0, rivals=97)
    probs = np.zeros(97)
    for index, logprob in rows[0][0].rivals:
        probs[index] = np.exp(logprob)
    drawn = np.bincount([row[0].id for row in rows], minlength=97)
    often = probs * count >= 5  # words that are rarer are counted as one
    seen = np.append(drawn[often], drawn[~often].sum())
    due = np.append(probs[often], probs[~often].sum()) * count
    assert chisquare(seen, due * count / due.sum()).pvalue > 0.01
    for (token,) in rows:
        assert token.logprob == pytest.approx(np.log(probs[token.id]), abs=1e-4)


def test_a_stop_token_ends_its_row_alone() -> None:
    model = model_of("qwen2")
    free = [[token.id for token in row] for row in written(model, PROMPTS)]
    stop = free[0][4]
    for row, before in zip(written(model, PROMPTS, stops=frozenset((stop,))), free, strict=True):
        expected = before[: before.index(stop) + 1] if stop in before else before
        assert [token.id for token in row] == expected
        assert row[-1].end == ("stop" if stop in before else "length")


def test_the_window_ends_a_row_and_a_full_one_does_not_begin() -> None:
    model, full = model_of("phi"), [5] * 64
    rows = written(model, [full[:60], full, [1, 2]], max_tokens=[50, 50, 2])
    assert [len(row) for row in rows] == [4, 1, 2]
    assert rows[0][-1].end == "length"
    assert rows[1][0][1:] == (-1, 0.0, (), "length")
    assert [token.end for token in written(model, [[1, 2]], max_tokens=[0])[0]] == ["length"]


def test_a_row_that_is_no_longer_wanted_leaves() -> None:
    from tunesmith.nn.decoding import decode

    left: set[int] = set()
    seen = []
    steps = decode(model_of("llama"), PROMPTS, max_tokens=[9] * 4, stops=(), seeds=[0] * 4, left=left)
    for number, step in enumerate(steps):
        seen.append([token.row for token in step])
        left |= {1, 2} if number == 2 else set()
    assert seen == [[0, 1, 2, 3]] * 3 + [[0, 3]] * 6


def test_only_what_is_allowed_is_said_and_an_answer_that_nothing_may_follow_is_whole() -> None:
    def even_then_end(row: int, ids: Sequence[int], room: int) -> np.ndarray | None:
        assert room == 12 - len(ids)
        mask = np.zeros(90, bool)  # narrower than the vocabulary: what is beyond is not allowed
        mask[row + 2 :: 2] = True
        return mask if len(ids) < 5 else None if row else np.zeros(90, bool)

    for options in ({}, {"temperature": 2.0, "top_p": 0.8}):
        rows = written(model_of("llama"), PROMPTS[:2], allowed=even_then_end, **options)
        free = written(model_of("llama"), PROMPTS[:2], max_tokens=[1, 1], rivals=97)
        for place, row in enumerate(rows):
            assert {token.id % 2 for token in row} == {place}
            assert all(token.id < 90 for token in row)
            assert [token.end for token in row] == [""] * 4 + ["stop"]
            assert row[0].logprob == pytest.approx(dict(free[place][0].rivals)[row[0].id], abs=1e-4)


def test_two_decodings_in_turns_do_not_disturb_each_other_nor_their_caller() -> None:
    import torch

    from tunesmith.nn.decoding import decode

    model = model_of("mistral")
    alone = [[token.id for token in written(model, [prompt])[0]] for prompt in PROMPTS[:2]]
    streams = [decode(model, [prompt], max_tokens=[12], stops=(), seeds=[0]) for prompt in PROMPTS[:2]]
    turns = list(zip(*streams, strict=True))
    assert [[turn[place][0].id for turn in turns] for place in (0, 1)] == alone
    stream = decode(model, PROMPTS, max_tokens=[3] * 4, stops=(), seeds=[0] * 4)
    next(stream)
    assert not torch.is_inference_mode_enabled()
    weight = torch.ones(1, requires_grad=True)
    (weight * 2).sum().backward()


def test_full_logits_of_the_prompt_are_never_made() -> None:
    model, shapes = model_of("llama"), []
    hook = model.lm_head.register_forward_hook(lambda _net, _given, said: shapes.append(tuple(said.shape)))
    written(model, PROMPTS, max_tokens=[3] * 4)
    hook.remove()
    assert shapes == [(4, 1, 97)] * 3


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"prompts": [[]]}, "prompt 0 has no tokens"),
        ({"prompts": [[1], [1] * 65]}, "prompt 1 has 65 tokens"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"top_p": 0.0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"rivals": -1}, "rivals"),
        ({"seeds": []}, "argument"),
    ],
)
def test_what_can_not_be_decoded_is_told_at_once(options: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        written(model_of("llama"), options.pop("prompts", [[1]]), **options)


def test_a_model_in_training_and_one_that_is_broken_are_told() -> None:
    import copy

    import torch

    model = copy.deepcopy(model_of("llama"))
    with pytest.raises(ValueError, match="training mode"):
        written(model.train(), [[1]])
    torch.nn.init.constant_(model.model.norm.weight, float("nan"))
    with pytest.raises(FloatingPointError):
        written(model.eval(), [[1]])


def test_the_real_model_tells_the_story_that_transformers_tells(shared: Any) -> None:
    import torch
    import transformers

    folder = shared / "models" / "stories260k-llama"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    prompts = [[1, 403, 407, 261], [1, 403, 407, 261, 378, 300, 301]]
    ours = written(model, prompts, max_tokens=[300, 300], stops=frozenset((2,)))
    for prompt, row in zip(prompts, ours, strict=True):
        with torch.inference_mode():
            ids = torch.tensor([prompt])
            made = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=False,
                max_new_tokens=300,
                eos_token_id=2,
                pad_token_id=0,
            )
        assert [token.id for token in row] == made[0, len(prompt) :].tolist()
