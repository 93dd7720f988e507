"""How much of the rows is learnt once they are tokens: counted before the first step, refused where it is nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tunesmith.errors import DataError
from tunesmith.findings import Finding, Fix
from tunesmith.parts import Example, Tokens

LITTLE = 0.05  # share of learnt tokens below which something is probably wrong


@dataclass(frozen=True, slots=True)
class Learning:
    """rows: with a learnt token.  idle: rows that the model sees and learns nothing from.  left_out: rows that give no
    window at all.  cut_rows: rows that lost tokens to the window; cut, cut_learnt: these tokens.  tokens, learnt: what
    the model sees, and what of it is learnt."""

    rows: int = 0
    idle: int = 0
    left_out: int = 0
    cut_rows: int = 0
    cut: int = 0
    cut_learnt: int = 0
    tokens: int = 0
    learnt: int = 0

    @property
    def share(self) -> float:
        """The share of learnt tokens; 0 without tokens."""
        return self.learnt / self.tokens if self.tokens else 0.0

    def sentence(self) -> str:
        """One line for a person."""
        told = f"{self.learnt:,} of {self.tokens:,} tokens are learnt ({self.share:.1%})"
        lost = [
            f"{_rows(self.left_out)} left out" if self.left_out else "",
            f"{_rows(self.cut_rows)} cut by {self.cut:,} tokens, {self.cut_learnt:,} of these learnt"
            if self.cut_rows
            else "",
            f"{_rows(self.idle)} without a learnt token" if self.idle else "",
        ]
        return "; ".join([told, *filter(None, lost)])

    def findings(self) -> list[Finding]:
        """T419 where little is learnt.  Raises DataError T421 where nothing is."""
        if not self.learnt:
            raise _nothing(self)
        if self.share >= LITTLE:
            return []
        numbers = {"share": self.share, "tokens": float(self.tokens), "learnt": float(self.learnt)}
        fix = Fix("tunesmith data show FILE --as-model --base DIR", "shows what is learnt of each row")
        return [Finding("T419", "warning", f"only {self.sentence()}", self.rows, (), numbers, fix)]


def of_examples(rows: Iterable[Sequence[Example]]) -> Learning:
    """`counted` of rows that are given by their examples: ids, weights, and cut, cut_learnt where a window cut them."""
    return counted([_tokens(example) for example in examples] for examples in rows)


def counted(rows: Iterable[Sequence[Tokens]]) -> Learning:
    """What is learnt of rows, each given as its windows."""
    seen = [list(windows) for windows in rows]
    each = [window for windows in seen for window in windows]
    learns = [any(any(window.weights) for window in windows) for windows in seen]
    return Learning(
        rows=sum(learns),
        idle=sum(bool(windows) and not learnt for windows, learnt in zip(seen, learns, strict=True)),
        left_out=sum(not windows for windows in seen),
        cut_rows=sum(any(window.cut for window in windows) for windows in seen),
        cut=sum(window.cut for window in each),
        cut_learnt=sum(window.cut_learnt for window in each),
        tokens=sum(len(window.ids) for window in each),
        learnt=sum(len(window.weights) - window.weights.count(0.0) for window in each),
    )


def _tokens(example: Example) -> Tokens:
    values = example.values
    return Tokens(values["ids"], values["weights"], values.get("cut", 0), values.get("cut_learnt", 0))


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _nothing(found: Learning) -> DataError:
    return DataError(
        "T421",
        f"no token of the rows is learnt: {found.sentence()}",
        expected="answers of the assistant, with a weight above 0, inside the window",
        fixes=(
            "tunesmith data show FILE --as-model --base DIR",
            "--set task.max_length=N   (a larger window)",
            "--set task.truncation=left   (keeps the end of long rows)",
        ),
    )
