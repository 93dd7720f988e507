"""Q504: the same long line opens or ends many texts: greetings, signatures, disclaimers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from tunesmith.data.checks._rows import labelled, plural, shown, text_of
from tunesmith.data.checks._texts import answer_of
from tunesmith.fields import Record
from tunesmith.findings import SHOWN, Finding, Fix, Place
from tunesmith.parts import Case, Check

LONG = 30  # characters from which a line is no "Hello," or "Thanks!"
LOOKED_AT = 240  # characters of a line, and of a text without line ends
MANY, FEWEST = 0.1, 20  # share and number of rows that have it
DESIGN = 0.9  # share from which it is the form of a prompt
LINES = 20_000  # different lines that are counted at a time
_SENTENCE_ENDS = (". ", "! ", "? ", "。")
_SAID = {"text": "texts", "answer": "answers", "opens": "open", "ends": "end"}

_Key = tuple[str, str, int]


@dataclass(slots=True)
class _Lines:
    """Counts of lines by checksum, each followed by its first places.

    Counts are too small by at most rows / LINES (Misra and Gries, 1982).
    """

    rows: int = 0
    counts: dict[_Key, list[Any]] = field(default_factory=dict)

    def add(self, key: _Key, count: int, places: Sequence[Place]) -> None:
        entry = self.counts.get(key)
        if entry is None:
            self.counts[key] = [count, *places]
            if len(self.counts) > LINES:
                self._shrink()
            return
        entry[0] += count
        if len(entry) <= SHOWN:
            entry.extend(places[: SHOWN + 1 - len(entry)])

    def _shrink(self) -> None:
        self.counts = {
            key: [count - 1, *places] for key, (count, *places) in self.counts.items() if count > 1
        }


class Boilerplate(Check):
    """It costs tokens and teaches nothing; in answers it is learnt word by word.  It is not shown: it may name
    somebody."""

    code = "Q504"

    def start(self) -> _Lines:
        return _Lines()

    def update(self, state: _Lines, rows: Sequence[Record], evidence: Mapping[str, Any]) -> _Lines:
        state.rows += len(rows)
        for row in rows:
            for what, text in (("text", text_of(row, evidence)), ("answer", answer_of(row, evidence) or "")):
                for where, line in _ends(text):
                    state.add((what, where, line), 1, (row.place,))
        return state

    def merge(self, first: _Lines, second: _Lines) -> _Lines:
        merged = _Lines(first.rows + second.rows)
        for each in (first, second):
            for key, (count, *places) in each.counts.items():
                merged.add(key, count, places)
        return merged

    def findings(self, state: _Lines) -> list[Finding]:
        often = max(FEWEST, MANY * state.rows)
        found = sorted((-entry[0], key) for key, entry in state.counts.items() if entry[0] >= often)
        if not found:
            return []
        most, (what, where, _) = -found[0][0], found[0][1]
        design = all(key[0] == "text" and -count >= DESIGN * state.rows for count, key in found)
        lines = plural(len(found), "long line")
        message = f"{lines} in many rows: one {_SAID[where]}s {plural(most, _SAID[what][:-1], _SAID[what])}"
        message += ", as prompts of one form do" if design else ""
        fix = Fix("cut the line where the data is made", "the model reads and learns what differs")
        places = shown(place for _, key in found for place in state.counts[key][1:])
        numbers = {"lines": len(found), "rows": most, "share": most / state.rows}
        return [Finding(self.code, "info" if design else "warning", message, most, places, numbers, fix)]

    def planted(self) -> tuple[Case, Case]:
        foot = "This message is meant for its addressee only and may be confidential."
        rows = [(f"Where is parcel {i}?", f"depot {i % 2}") for i in range(FEWEST)]
        return labelled(*((f"{text}\n{foot}", label) for text, label in rows)), labelled(*rows, (foot, "x"))


def _ends(text: str) -> list[tuple[str, int]]:
    """('opens' or 'ends', checksum and length) of a text's first and last line that are long and not the whole.

    Of a single line they are the first and the last sentence.
    """
    text = text.strip()
    if len(text) <= LONG:
        return []
    parts = (("opens", _first(text)), ("ends", _last(text)))
    return [
        (where, crc32(part.encode("utf-8", "surrogatepass")) << 16 | len(part))
        for where, part in parts
        if LONG <= len(part) < len(text)
    ]


def _first(text: str) -> str:
    line = text.partition("\n")[0][:LOOKED_AT].rstrip()
    if len(line) < len(text):
        return line
    cuts = [cut for end in _SENTENCE_ENDS if (cut := text.find(end, LONG, LOOKED_AT)) > 0]
    return text[: min(cuts) + 1] if cuts else text


def _last(text: str) -> str:
    line = text.rpartition("\n")[2][-LOOKED_AT:].lstrip()
    if len(line) < len(text):
        return line
    cuts = [cut for end in _SENTENCE_ENDS if (cut := text.rfind(end, -LOOKED_AT, -LONG)) > 0]
    return text[max(cuts) + 1 :].lstrip() if cuts else text
