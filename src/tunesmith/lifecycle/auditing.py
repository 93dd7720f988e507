"""People look at labels, the most suspicious first; their answers become a version with who and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunesmith.data import audit, audit_sets, audit_sheet, label_sets
from tunesmith.data.audit import Answer, Item, Verdict
from tunesmith.data.checks import _own_labels
from tunesmith.data.checks._rows import target_field
from tunesmith.errors import DataError
from tunesmith.evaluate.intervals import Score, wilson
from tunesmith.events import Event, Finished
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets, evidence
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.known import Wanted
from tunesmith.lifecycle.results import Result
from tunesmith.store import files

SHARE = 0.1  # of the labels: what good practice looks at
SEED = 20


@dataclass(frozen=True)
class Audit:
    """A data set under audit.  items: the queue.  log: where each answer is appended as it is given.

    several: rows have any number of labels, so an answer is a set of them (`data.label_sets`).
    """

    dataset: Dataset
    items: Sequence[Item]
    classes: Sequence[str]
    log: Path
    home: Path
    several: bool = False

    def answers(self) -> dict[str, dict[str, Answer]]:
        """{who: {row: the answer that stands}}, of all who have answered so far."""
        return audit.standing(Answer(**line) for line in files.read_log(self.log))

    def left(self, who: str) -> list[Item]:
        """What a person has not judged yet, in the queue's order."""
        mine = self.answers().get(who, {})
        return [item for item in self.items if item.row not in mine]

    def say(self, who: str, item: Item, verdict: Verdict, label: str = "") -> None:
        """Write down one answer, durably: whatever happens next, it is kept."""
        right = item.label if verdict == "accept" else label
        self.add([Answer(who, item.row, verdict, right, _now())])

    def add(self, answers: Sequence[Answer]) -> None:
        """Write down several answers at once."""
        if answers:
            files.append(self.log, *map(asdict, answers))

    def undo(self, who: str) -> Item | None:
        """Take a person's last answer back; give its item, or None where there is none."""
        mine = self.answers().get(who, {})
        if not mine:
            return None
        last = list(mine)[-1]
        self.add([Answer(who, last, "undo", "", _now())])
        return next((item for item in self.items if item.row == last), None)

    def summary(self) -> dict[str, Any]:
        """Who judged how much, how far they agree, and the share of wrong labels by the draw by chance alone."""
        given = self.answers()
        agreed, split = audit.decided(given)
        labels = {item.row: item.label for item in self.items}
        right = {row: votes[0].label for row, votes in agreed.items()}
        skipped = {row for mine in given.values() for row, each in mine.items() if each.verdict == "skip"}
        rows, wrong = audit.drawn_and_wrong(self.items, right, skipped | set(split))
        rate = Score(wrong / rows, *wilson(wrong, rows), rows).to_json() if rows else None
        changed = sum(votes[0].verdict == "relabel" for votes in agreed.values())
        return {
            "data": self.dataset.ref,
            "queue": len(self.items),
            "judged": {who: sum(row in labels for row in mine) for who, mine in sorted(given.items())},
            "relabelled": changed,
            "disagreed": list(split),
            "agreement": [
                {"who": [one, other], "rows": count, "kappa": value}
                for one, other, count, value in audit.kappa(given)
            ],
            "error_rate": rate,
        }


def open_audit(
    ref: str,
    *,
    share: float = SHARE,
    form: str = "",
    fields: Mapping[str, str] | None = None,
    base: str = "",
    offline: bool = False,
    home: Path | str | None = None,
) -> Iterator[Event]:
    """The audit of a file or version, with the answers that were given before: Finished(Audit).

    share: of the labelled rows, how many are looked at.  Raises DataError L217 where labels can't be doubted: another
    content, one class, no label, ';' within the labels of sets.
    """
    place = home_folder(home)
    dataset = yield from datasets.opened(ref, place, form=form, fields=fields)
    dataset = yield from datasets.saved(dataset, place)
    wanted = Wanted(deep=True, base=base, offline=offline, home=place)
    known = yield from evidence.gather(
        dataset.records, dataset.content, wanted, frozenset({"classes", "out_of_fold"})
    )
    classes = known.get("classes", ())
    several = _own_labels.several(dataset.content)
    own = (_own_labels.marks if several else _own_labels.truth)(dataset.records, dataset.content, classes)
    torn = several and any(label_sets.BETWEEN in label for label in classes)
    if "out_of_fold" not in known or not (own >= 0).any() or torn:
        raise _nothing(ref, dataset)
    texts = [dataset.content.text(row) for row in dataset.records]
    queue = audit_sets.queue if several else audit.queue
    items = queue(dataset.records, texts, own, known["out_of_fold"], classes, share=share, seed=SEED)
    log = place / "audits" / dataset.digest / "answers.jsonl"
    yield Finished(Audit(dataset, items, classes, log, place, several))


def _nothing(ref: str, dataset: Dataset) -> DataError:
    return DataError(
        "L217",
        f"the labels of {ref} can't be audited: its rows hold {dataset.content_name}",
        expected="rows with labels of two classes or more, whose names hold no ';' where a row may have several",
        fixes=(f"tunesmith data check {ref} --deep", "--label COLUMN"),
        where=ref,
    )


def finish(audit_: Audit) -> Iterator[Event]:
    """The labels that people agreed on as a new version: Finished(Result); the log of who said what stays.

    Where they change no label, the version stays what it is: `unchanged`, and `answers` names the log.  Raises
    DataError L218 where nobody has judged anything.
    """
    given = audit_.answers()
    agreed, split = audit.decided(given)
    if not agreed:
        raise DataError(
            "L218",
            f"nobody has judged a label of {audit_.dataset.ref} yet",
            expected="at least one answer",
            fixes=(f"tunesmith data audit {audit_.dataset.ref}",),
            where=str(audit_.log),
        )
    field = target_field(audit_.dataset.content)
    rows, changes = audit.relabelled(audit_.dataset.records, field, agreed)
    when = [vote.at for votes in agreed.values() for vote in votes]
    step = {"verb": "audit", "who": sorted(given), "judged": len(agreed), "relabelled": len(changes)}
    step |= {"from": min(when), "to": max(when)}
    after = yield from datasets.changed(audit_.dataset, rows, step, audit_.home, changes=changes)
    made = {"version": after.ref, "digest": after.digest, "parent": audit_.dataset.digest, "left": len(split)}
    made |= {"unchanged": after.digest == audit_.dataset.digest, "answers": str(audit_.log)}
    yield Finished(Result({**audit_.summary(), **made, "changes": changes}))


def export(audit_: Audit, path: Path, who: str) -> Path:
    """Write the queue, with the answers that a person has given, as a CSV sheet."""
    files.write(path, audit_sheet.written(audit_.items, audit_.answers().get(who, {})))
    return path


def import_sheet(audit_: Audit, path: Path, who: str) -> int:
    """Take the answers of a sheet over, all or (DataError L216) none; give how many were new or changed."""
    before = audit_.answers().get(who, {})
    found = audit_sheet.read(path, audit_.items, audit_.classes, who, _now(), several=audit_.several)
    new = [
        each
        for each in found
        if (old := before.get(each.row)) is None or (old.verdict, old.label) != (each.verdict, each.label)
    ]
    audit_.add(new)
    return len(new)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
