"""Whether an export says what the model says that was trained: the same numbers and tokens on its golden rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunesmith.inputs import chat, speaking, turns
from tunesmith.model import Model
from tunesmith.parts import Gap, Net, Origin, Prompt, Tokens, Wish, Witness
from tunesmith.serve import asking, parity
from tunesmith.train.engine import local

LONGEST = 48  # tokens of an answer that are compared
# nats by which the same numbers may differ: wide sums are added up in other orders by other programs
EXACT = 1e-3


@dataclass(frozen=True)
class Reading:
    """What is written for a model, and the tokens as it was taught to see them.  ask: the assistant speaks next."""

    prompt: Prompt
    tools: Any
    ask: bool
    ids: tuple[int, ...]


@dataclass(frozen=True)
class Row:
    """A golden row as the model that was trained treats it.

    windows: (tokens, natural log-probabilities of the learnt ones in order).  asked, said: tokens of the question and
    of the likeliest answer.  ended: the answer ended by itself.
    """

    windows: tuple[tuple[Tokens, np.ndarray], ...]
    asked: tuple[int, ...]
    said: tuple[int, ...]
    ended: bool
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Agreement:
    """One line of the proof.

    what: what was compared, by: with whom, n: of how many, wrong: how many differ by more than `allowed`, worst: the
    largest difference (nats; for tensors in units of what the form allows; None where there is no number), ties:
    answers that part where two tokens are equally likely within what is allowed.
    """

    what: str
    by: str
    n: int
    wrong: int
    worst: float | None = None
    allowed: float | None = None
    ties: int = 0

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        names = ("what", "by", "n", "wrong", "worst", "allowed", "ties")
        return {name: getattr(self, name) for name in names}

    def sentence(self) -> str:
        """What is wrong."""
        far = (
            f", by up to {self.worst:.3g} where {self.allowed:.3g} is allowed"
            if self.allowed and self.worst is not None
            else ""
        )
        return f"{self.wrong} of {self.n} {self.what} differ in {self.by}{far}"


class Trained:
    """The model as its bundle holds it, by the path that evaluation and serving use."""

    def __init__(self, model: Model, origin: Origin) -> None:
        self.model, self._origin = model, origin
        self._net: Any = getattr(model.predictor, "net", None)
        self.rows = [self._row(number, each) for number, each in enumerate(asking.questions(model))]

    def _row(self, number: int, question: asking.Question) -> Row:
        golden = asking.records(self.model)[number]
        wish = Wish(max_tokens=min(LONGEST, question.wish.max_tokens), tools=question.wish.tools)
        pieces = list(asking.speaker(self.model).stream(question.prompt, wish))
        return Row(
            tuple(self._windows(golden)),
            tuple(speaking.asked(self._origin.codec, question.prompt, wish)),
            tuple(piece.token for piece in pieces if piece.token >= 0),
            pieces[-1].end == "stop",
            tuple(self._readings(golden.fields.get("messages"), question)),
        )

    def _windows(self, golden: Any) -> Iterator[tuple[Tokens, np.ndarray]]:
        task, codec = self._origin.task, self._origin.codec
        with local.inference(self._net):
            for example in task.encode(golden, codec, None):
                logprobs, _, _ = self._net.token_logprobs(task.collate([example], codec).tensors)
                seen = Tokens(example.values["ids"], example.values["weights"])
                yield seen, logprobs.float().cpu().numpy()

    def _readings(self, messages: Any, question: asking.Question) -> Iterator[Reading]:
        rules, prompt, tools = chat.template(self._origin.codec), question.prompt, question.wish.tools
        if self._origin.codec.settings["frame"] != "chat":
            text = prompt if isinstance(prompt, str) else speaking.lines(prompt)
            if not (rules.special and rules.special.search(text)):
                yield Reading(text, None, False, tuple(chat.asked_plainly(rules, text)))
            return
        whole = [turns.plain(turn) for turn in messages or ()]
        if rules.special and any(rules.special.search(turn["content"]) for turn in whole):
            return  # other programs take such words of a user's for the tokens that they imitate
        declared, seen = turns.declared(tools), rules.see(whole, tools)
        if not seen.refusal:
            yield Reading(whole, declared, False, tuple(seen.ids))
        asked = [turns.plain(turn) for turn in prompt if not isinstance(turn, str)]
        yield Reading(asked, declared, True, tuple(rules.asked(asked, tools).ids))

    def twin(self) -> Net:
        """The network once more, whose modules may be replaced: only the numbers are the same in memory."""
        from tunesmith.nn import sharing

        return sharing.twin(self._net)

    def next(self, ids: Sequence[int]) -> np.ndarray:
        """Natural log-probabilities [V] of the token after these."""
        import torch

        with local.inference(self._net):
            said = self._net.backbone(input_ids=torch.tensor([list(ids)])).logits[0, -1]
        return said.float().log_softmax(-1).cpu().numpy()

    def itself(self) -> Agreement:
        """The bundle reloaded against what it was sealed with."""
        golden = parity.require_golden(self.model)
        answers = [each.to_json() for each in self.model.predict(asking.records(self.model))]
        return Agreement(
            "golden rows", "the bundle, reloaded", len(golden), len(self.model.parity(answers, exact=True))
        )


def agreements(trained: Trained, witness: Witness) -> Iterator[Agreement]:
    """What one reader of an export gets right and wrong.

    Where the form rounds numbers, the reader is held against the same rounding, and that against what was trained.
    """
    ours = [logprobs for row in trained.rows for _, logprobs in row.windows]
    tie = 2 * EXACT
    if witness.peer:
        rounded = _learnt(trained, witness.peer)
        by = "the trained weights, rounded"
        yield _likelihoods(by, ours, rounded, witness.rounding)
        tie += 2 * _worst(ours, rounded)
        ours = rounded
    if witness.logits:
        yield _likelihoods(witness.by, ours, _learnt(trained, witness.logits), EXACT)
    if witness.says:
        yield _answers(trained, witness, tie)
    if witness.reads:
        yield _readings(trained, witness)
    if witness.gaps:
        yield _tensors(witness.by, witness.gaps)


def _likelihoods(by: str, ours: Sequence[Any], theirs: Sequence[Any], allowed: float) -> Agreement:
    pairs = zip(ours, theirs, strict=True)
    wrong = sum(int((~(np.abs(one - other) <= allowed)).sum()) for one, other in pairs)
    n = sum(map(len, ours))
    return Agreement("log-probabilities", by, n, wrong, _worst(ours, theirs), allowed)


def _worst(ours: Sequence[Any], theirs: Sequence[Any]) -> float:
    apart = [np.abs(one - other).max() for one, other in zip(ours, theirs, strict=True) if len(one)]
    return float(max(apart, default=0.0))


def _learnt(trained: Trained, logits: Any) -> list[np.ndarray]:
    """For each window the natural log-probabilities of its learnt tokens, each from the scores before it."""
    found = []
    for seen in (window for row in trained.rows for window, _ in row.windows):
        places = np.flatnonzero(np.asarray(seen.weights)[1:])
        if not len(places):
            found.append(np.zeros(0))
            continue
        before = logits(seen.ids)[places].astype(np.float64)
        most = before.max(1, keepdims=True)
        total = most[:, 0] + np.log(np.exp(before - most).sum(1))
        found.append(before[np.arange(len(places)), np.asarray(seen.ids)[places + 1]] - total)
    return found


def _answers(trained: Trained, witness: Witness, tie: float) -> Agreement:
    """tie: nats within which two tokens count as equally likely, since rounding decides between them."""
    assert witness.says
    found = []
    for row in trained.rows:
        theirs = witness.says(row.asked, len(row.said) + row.ended)
        found.append(_parted(trained, row, theirs, tie))
    wrong, ties = found.count("wrong"), found.count("tie")
    return Agreement("greedy answers", witness.by, len(found), wrong, ties=ties)


def _parted(trained: Trained, row: Row, theirs: Sequence[int], allowed: float) -> str:
    """'' where the answers are equal, 'tie' where they part at two tokens that are about as likely, else 'wrong'."""
    ours = row.said
    if tuple(theirs) == ours:
        return ""
    both = zip(ours, theirs, strict=False)
    at = next((place for place, (one, other) in enumerate(both) if one != other), None)
    if at is None:
        return "wrong"
    likely = trained.next([*row.asked, *ours[:at]])
    return "tie" if likely[ours[at]] - likely[theirs[at]] <= allowed else "wrong"


def _readings(trained: Trained, witness: Witness) -> Agreement:
    assert witness.reads
    wanted = [reading for row in trained.rows for reading in row.readings]
    found = [(witness.reads(each.prompt, each.tools, each.ask), each.ids) for each in wanted]
    known = [tuple(theirs) == ours for theirs, ours in found if theirs is not None]
    return Agreement("texts as tokens", witness.by, len(known), known.count(False))


def _tensors(by: str, gaps: Sequence[Gap]) -> Agreement:
    wrong = sum(not gap.worst <= 1 for gap in gaps)
    return Agreement("tensors", by, len(gaps), wrong, max(gap.worst for gap in gaps), 1.0)


def served(problems: Sequence[str], rows: int) -> Agreement:
    """What a server of the bundle gets wrong."""
    return Agreement("golden rows", "tunesmith serve", rows, len(problems))
