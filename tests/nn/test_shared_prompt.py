"""Answers that share their prompt: log-probabilities and gradients are those of plain sequences."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import decoders

pytestmark = pytest.mark.neural
LENGTHS = ((6, 4, 7), (1, 3, 2), (9, 1, 5))  # of prompt and two answers
PULLS = [[1.0, -0.5], [0.3, 2.0], [-1.0, 1.0]]  # how much each answer's sum counts in the test's loss
Rows = Sequence[tuple[list[int], list[int], list[int]]]


def rows_of(vocabulary: int, lengths: Sequence[tuple[int, ...]] = LENGTHS) -> Rows:
    import torch

    draws = torch.Generator().manual_seed(9)
    return [
        tuple(torch.randint(3, vocabulary, (length,), generator=draws).tolist() for length in row)  # type: ignore[misc]
        for row in lengths
    ]


def together(net: Any, rows: Rows) -> Any:
    """Sums of each answer's log-probabilities [B, 2], prompts computed once."""
    from tunesmith.nn import shared_prompt

    batch = shared_prompt.collate([shared_prompt.layout(each[0], each[1:]) for each in rows], pad_id=0)
    return shared_prompt.per_answer(net.token_logprobs(batch)[0], batch, answers=2)


def plain(twin: Any, rows: Rows) -> Any:
    """The same by one sequence for each answer and the family's own forward."""
    import torch

    return torch.stack(
        [
            torch.stack(
                [
                    decoders.naive_logprobs(twin.backbone, torch.tensor([prompt + answer]))[
                        0, len(prompt) - 1 :
                    ].sum()
                    for answer in answers
                ]
            )
            for prompt, *answers in rows
        ]
    )


def compare(net: Any, twin: Any, rows: Rows, rounding: float = 1e-5) -> None:
    import torch

    pulls = torch.tensor(PULLS)
    ours, theirs = together(net, rows), plain(twin, rows)
    assert ours.detach().numpy() == pytest.approx(theirs.detach().numpy(), rel=1e-5)
    share, name = decoders.apart(
        decoders.gradients(net, (ours * pulls).sum()), decoders.gradients(twin, (theirs * pulls).sum())
    )
    assert share < rounding, name


def test_every_family_that_shares_is_tested_here() -> None:
    from tunesmith.nn import shared_prompt

    assert set(decoders.SHARING) == shared_prompt.KNOWN


@pytest.mark.parametrize("family", decoders.SHARING)
def test_sums_and_gradients_are_those_of_plain_sequences(family: str) -> None:
    from tunesmith.nn import shared_prompt

    net = decoders.made(family)
    twin = copy.deepcopy(net).eval()
    twin.backbone.set_attn_implementation("eager")
    net.begin(0, 0.0)
    assert shared_prompt.shares(net.backbone.config, longest=14)
    # Exaone 4 norms what its layers add, so that rounding in small additions is made large
    compare(net.train(), twin, rows_of(decoders.VOCABULARY), 5e-5 if family == "exaone4" else 1e-5)


def test_so_are_those_of_a_trained_model_on_long_answers(shared: Path) -> None:
    import json

    from tunesmith.nn import decoder, pretrained

    folder = shared / "models" / "stories260k-llama"
    net = decoder.structure(json.loads((folder / "config.json").read_text()))
    pretrained.load(net, folder)
    twin = copy.deepcopy(net).eval()
    twin.backbone.set_attn_implementation("eager")
    net.begin(0, 0.0)
    compare(net.train(), twin, rows_of(512, ((90, 40, 61), (20, 33, 5), (7, 1, 80))))


# ---- the layout itself ------------------------------------------------------------------------------------------

TOKENS = st.lists(st.integers(3, 60), max_size=6)


@given(prompt=TOKENS.filter(bool), answers=st.lists(TOKENS, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_each_token_sees_is_its_own_plain_sequence(prompt: list[int], answers: list[list[int]]) -> None:
    from tunesmith.nn import shared_prompt

    made = shared_prompt.layout(prompt, answers)
    blocks = made.blocks
    for place, whose in enumerate(made.answers):
        seen = [at for at in range(len(made.ids)) if blocks[place, at]]
        whole = prompt + (answers[whose] if whose >= 0 else [])
        assert [made.ids[at] for at in seen] == whole[: len(seen)]
        assert [made.positions[at] for at in seen] == list(range(len(seen)))
        assert seen[-1] == place
    for index, answer in enumerate(answers):
        learnt = [
            token
            for token, whose, weight in zip(made.ids, made.answers, made.weights, strict=True)
            if whose == index and weight
        ]
        assert learnt == answer


@given(layouts=st.lists(st.tuples(TOKENS.filter(bool), TOKENS, TOKENS), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_padding_is_seen_by_itself_alone(layouts: list[tuple[list[int], list[int], list[int]]]) -> None:
    from tunesmith.nn import shared_prompt

    made = [shared_prompt.layout(prompt, rest) for prompt, *rest in layouts]
    batch = shared_prompt.collate(made, pad_id=0)
    assert batch["mask"].sum(1).tolist() == [len(each.ids) for each in made]
    for row, each in enumerate(made):
        length = len(each.ids)
        assert batch["blocks"][row, :length, :length].equal(each.blocks)
        assert not batch["blocks"][row, :length, length:].any()
        assert batch["blocks"][row, length:].sum(1).eq(1).all()
        assert batch["ids"][row, :length].tolist() == list(each.ids)


def test_weights_of_answers_are_kept_and_counted() -> None:
    import torch

    from tunesmith.nn import shared_prompt

    made = shared_prompt.layout([5, 6], [[7, 8, 9], [7]], [[0.0, 2.0, 0.5], [1.0]])
    assert made.ids == (5, 6, 7, 8, 9, 6, 7)
    assert made.positions == (0, 1, 2, 3, 4, 1, 2)
    assert made.weights == (0.0, 0.0, 0.0, 2.0, 0.5, 0.0, 1.0)
    batch = shared_prompt.collate([made, shared_prompt.layout([5], [[3], []])], pad_id=0)
    values = torch.tensor([-1.0, -2.0, -3.0, -4.0])
    assert shared_prompt.per_answer(values, batch, 2).tolist() == [[-3.0, -3.0], [-4.0, 0.0]]


@pytest.mark.parametrize(
    ("sequences", "weights", "count"),
    [
        (([1, 2, 3, 4], [1, 2, 9]), ([0, 0, 1, 1], [0, 0, 1]), 2),
        (([1, 2, 3, 4], [1, 2, 3, 9]), ([0, 0, 1, 1], [0, 0, 1, 1]), 2),
        (([1, 2, 3, 4], [1, 2, 3, 9]), ([0, 0, 0, 1], [0, 1, 1, 1]), 1),
        (([1, 2], [1, 2, 3]), ([0, 0], [0, 0, 1]), 2),
        (([1], [2]), ([0], [0]), 0),
        (([], [2]), ([], [1]), 0),
    ],
)
def test_what_is_shared_ends_where_tokens_differ_or_are_learnt(
    sequences: Any, weights: Any, count: int
) -> None:
    from tunesmith.nn import shared_prompt

    assert shared_prompt.common(sequences, weights) == count


def test_a_layout_that_can_not_be_is_a_value_error() -> None:
    from tunesmith.nn import shared_prompt

    with pytest.raises(ValueError, match="empty prompt"):
        shared_prompt.layout([], [[1]])
    with pytest.raises(ValueError, match="2 tokens and 1 weights"):
        shared_prompt.layout([3], [[1, 2]], [[1.0]])


@pytest.mark.parametrize(
    ("family", "changes", "longest", "fine"),
    [
        ("llama", {}, 10_000, True),
        ("mistral", {"sliding_window": 8}, 8, True),
        ("mistral", {"sliding_window": 8}, 9, False),
        ("mistral", {"sliding_window": None}, 10_000, True),
        ("gemma2", {"sliding_window": 8}, 9, False),
        ("qwen2", {"sliding_window": 8, "use_sliding_window": False}, 9, True),
        ("falcon", {"alibi": True}, 5, False),
        ("bloom", {}, 5, False),
        ("mpt", {}, 5, False),
        ("mamba", {}, 5, False),
        ("gpt_neo", {}, 5, False),
    ],
)
def test_who_shares(family: str, changes: dict[str, Any], longest: int, fine: bool) -> None:
    from tunesmith.nn import decoder, shared_prompt

    config = decoder.configuration({"model_type": family, **decoders.FAMILIES[family], **changes})
    assert shared_prompt.shares(config, longest) is fine


@pytest.mark.parametrize("sliding", [14, 12])
def test_a_window_that_slides_would_be_wrong(sliding: int) -> None:
    """The longest plain sequence of these rows has 14 tokens, of which the last one tells nothing."""
    import torch

    from tunesmith.nn import decoder, shared_prompt

    torch.manual_seed(3)
    family = {"model_type": "mistral", **decoders.FAMILIES["mistral"], "sliding_window": sliding}
    net = decoder.structure(family)
    for weights in net.parameters():
        torch.nn.init.normal_(weights, std=0.25)
    net.begin(0, 0.0)
    rows = rows_of(decoders.VOCABULARY)
    with torch.no_grad():
        same = torch.allclose(together(net.eval(), rows), plain(net, rows), rtol=1e-5)
    assert same is shared_prompt.shares(net.backbone.config, longest=14)
