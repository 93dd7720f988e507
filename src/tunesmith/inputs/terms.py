"""Terms that answers must use or avoid: a glossary file, and which answers keep to it.

A row of the file says: where `source` stands in the question, one of the terms in `target` must stand in the answer and
none of those in `forbidden`.  Without a source that holds for every answer.  With a `language` (ISO 639-1) it holds for
answers in that language only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from tunesmith.data.readers.csv import Csv
from tunesmith.errors import DataError
from tunesmith.fields import Broken, Record
from tunesmith.findings import Place
from tunesmith.inputs.languages import language
from tunesmith.outcomes import Answers

COLUMNS = ("source", "target", "language", "forbidden")
BETWEEN = "|"  # parts terms that are equally right or equally wrong
# scripts that put no blanks between words: a term may begin and end anywhere
_RUNNING = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"


@dataclass(frozen=True, slots=True)
class Term:
    """One row of a glossary.

    A target or forbidden term that has a capital must be written like that; one in small letters is found in any case.
    A star at its end stands for any ending.
    """

    source: str = ""
    targets: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    language: str = ""
    place: Place = field(default=Place("", 0), compare=False)

    def wanted(self, question: str, spoken: str) -> bool:
        """Whether it holds for an answer to this question in this language ('': unknown)."""
        return self.language in ("", spoken) and (
            not self.source or bool(_pattern(self.source, True).search(question))
        )

    def breaches(self, answer: str) -> list[str]:
        """What is wrong with an answer for which it holds, one short sentence each."""
        lacks = self.targets and not any(_found(each, answer) for each in self.targets)
        # "client account" may be right where "client" is wrong
        for each in self.targets:
            answer = _pattern(each, each.islower()).sub(" ", answer)
        told = [f"'{' or '.join(self.targets)}' is missing"] if lacks else []
        return told + [f"'{each}' is used" for each in self.forbidden if _found(each, answer)]


def glossary(path: Path) -> tuple[Term, ...]:
    """The terms of a table (CSV, TSV) with columns source, target, language, forbidden, of which one of target and
    forbidden is enough.

    Raises DataError G840 (no such columns), G841 (a row that says nothing), and those of the reader.
    """
    reader = Csv()
    dialect = reader.sniff(path)
    if not {"target", "forbidden"} & set(dialect.columns):
        raise DataError(
            "G840",
            f"{path.name} is no glossary: its columns are {', '.join(dialect.columns)}",
            expected=f"a first line with some of {', '.join(COLUMNS)}",
            fixes=("source,target,language,forbidden   (as its first line)",),
            where=str(path),
        )
    return tuple(_term(row) for row in reader.read(path, dialect))


def _term(row: Record | Broken) -> Term:
    values = {} if isinstance(row, Broken) else {key: row.fields.get(key, "").strip() for key in COLUMNS}
    targets, forbidden = (_parts(values.get(key, "")) for key in ("target", "forbidden"))
    if targets or forbidden:
        return Term(values["source"], targets, forbidden, values["language"].lower(), row.place)
    raise DataError(
        "G841",
        "a row of the glossary " + (row.reason if isinstance(row, Broken) else "demands nothing"),
        expected="a term in target or in forbidden",
        fixes=("correct this line, or delete it",),
        where=str(row.place),
    )


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part for each in value.split(BETWEEN) if (part := each.strip()).strip("*"))


def breaches(terms: Iterable[Term], question: str, answer: str, reference: str = "") -> list[str] | None:
    """What an answer does against the glossary; None where no term holds for it.

    Its language is the reference's; where that does not tell, its own.  Where neither tells, terms that name a language
    do not hold.
    """
    spoken = language(reference) or language(answer)
    held = [term for term in terms if term.wanted(question, spoken)]
    return [each for term in held for each in term.breaches(answer)] if held else None


def kept(terms: Sequence[Term], answers: Answers) -> np.ndarray:
    """float64 [B, 2]: whether each answer does nothing against the glossary, and whether any term holds for it."""
    rows = zip(answers.prompts, answers.answers, answers.references, strict=True)
    found = [breaches(terms, asked, answer.text, next(iter(right), "")) for asked, answer, right in rows]
    return np.array([(each == [], each is not None) for each in found], np.float64).reshape(len(found), 2)


def _found(term: str, text: str) -> bool:
    return bool(_pattern(term, term.islower()).search(text))


@cache
def _pattern(term: str, any_case: bool) -> re.Pattern[str]:
    word = term.rstrip("*")
    middle = r"\s+".join(re.escape(part) for part in word.split())
    start = "" if re.match(f"[{_RUNNING}]|\\W", word) else r"(?<!\w)"
    end = "" if re.search(f"([{_RUNNING}]|\\W)$", word) else r"(?!\w)"
    return re.compile(start + middle + (r"\w*" if word != term else end), re.IGNORECASE if any_case else 0)
