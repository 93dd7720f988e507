"""Leaks planted across given sides: how many the check finds, how many it makes up, and what `data split` leaves.

    python bench/leaks.py [--data banking77/train.jsonl.gz] [--documents 20000] [--out FILE]

Rows are put on sides at random (70/15/15).  Of 500 rows for training an exact copy is added on the test side, of 500
others, of ten characters or more, a near copy: at most 10 % of the characters in one run replaced, left out or added.
Copies of the first kind differ in case and blanks.  found: planted rows whose pair D109 names.  false: rows named
without a twin on another side (the definition in `data/twins.py`, decided pair by pair), of all rows.  after_split:
planted pairs on two sides after `data split`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import near_duplicates
import numpy as np

from tunesmith.data.checks._alike import distance
from tunesmith.data.checks._rows import normalise
from tunesmith.data.checks.twins_across_sides import TwinsAcrossSides
from tunesmith.data.contents.labelled import Labelled
from tunesmith.data.grams import unique
from tunesmith.data.sides import SIDES
from tunesmith.data.splits import load_split
from tunesmith.data.twins import twins
from tunesmith.events import Finished
from tunesmith.fields import Record
from tunesmith.findings import Place
from tunesmith.lifecycle import dividing

PLANTED = 500
THRESHOLD = 0.7
FEWEST = 10  # characters of which one is 10 %
LETTERS = "abcdefghijklmnopqrstuvwxyz "


def near(text: str, rng: random.Random) -> str:
    """The text with one run of at most 10 % of its characters changed."""
    length = rng.randint(1, max(1, len(text) // 10))
    start = rng.randrange(len(text) - length)
    new = "".join(rng.choices(LETTERS, k=length))
    kind = rng.randrange(3)
    return text[:start] + ("" if kind == 1 else new) + text[start if kind == 2 else start + length :]


def planted(
    texts: list[str], rng: random.Random, shortest: int
) -> tuple[list[dict[str, str]], dict[str, list[Any]]]:
    """Rows with their sides and the planted pairs {kind: [(row for training, copy)]}."""
    sides = rng.choices(("train", "validation", "test"), (70, 15, 15), k=len(texts))
    able = [i for i, side in enumerate(sides) if side == "train" and len(texts[i]) >= shortest]
    chosen = rng.sample(able, PLANTED)
    long = sorted({i for i in able if len(texts[i]) >= FEWEST} - set(chosen))
    chosen += rng.sample(long, PLANTED)
    rows = [{"text": text, "split": side} for text, side in zip(texts, sides, strict=True)]
    pairs: dict[str, list[Any]] = {"exact": [], "near": []}
    for number, index in enumerate(chosen):
        kind = "exact" if number < PLANTED else "near"
        copy = texts[index].upper().replace(" ", "  ", 1) if kind == "exact" else near(texts[index], rng)
        pairs[kind].append((index, len(rows)))
        rows.append({"text": copy, "split": "test"})
    return rows, pairs


def named(rows: list[dict[str, str]]) -> set[int]:
    """Rows that D109 says would leak, and so have to leave."""
    records = [Record({**row, "label": "x"}, Place("rows", i)) for i, row in enumerate(rows)]
    clusters = twins([row["text"] for row in rows], THRESHOLD)
    sides = np.array([row["split"] for row in rows])
    check = TwinsAcrossSides()
    evidence = {"content": Labelled(), "twins": clusters, "sides": sides}
    found = check.findings(check.update(check.start(), records, evidence))
    return {int(row.partition(":")[2]) for each in found if each.fix for row in each.fix.drops}


def similar(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two sets share so much (Jaccard), counted apart from what is measured."""
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared >= THRESHOLD * (len(first) + len(second) - shared)


def truly(row: int, forms: list[str], grams: list[np.ndarray], sides: list[str]) -> bool:
    """Whether a row of another side is a twin: similar, or short and with few edits."""
    return any(
        similar(grams[row], grams[i]) or few_edits(forms[row], forms[i])
        for i, side in enumerate(sides)
        if side != sides[row]
    )


def few_edits(first: str, second: str) -> bool:
    """What `twins` says of texts of 10 to 79 characters, without its cautions about times and single letters."""
    sizes = len(first), len(second)
    if min(sizes) < FEWEST or max(sizes) >= 80 or 10 * abs(sizes[0] - sizes[1]) > max(sizes):
        return False
    if re.findall(r"\d+", first) != re.findall(r"\d+", second):
        return False
    return 10 * distance(first, second) <= max(sizes)


def measure(name: str, texts: list[str], seed: int, shortest: int) -> dict[str, Any]:
    """The figures of one set of texts."""
    texts = list({normalise(text): text for text in texts}.values())
    rng = random.Random(seed)
    rows, pairs = planted(texts, rng, shortest)
    found = named(rows)
    forms, sides = [normalise(row["text"]) for row in rows], [row["split"] for row in rows]
    grams = [unique(form) for form in forms]
    own = {i for both in pairs.values() for pair in both for i in pair}
    false = [row for row in found - own if not truly(row, forms, grams, sides)]
    alike = [similar(grams[a], grams[b]) for a, b in pairs["near"]]
    return {
        "data": name,
        "rows": len(rows),
        "shortest": shortest,
        "found": {kind: sum(a in found for a, _ in both) / PLANTED for kind, both in pairs.items()},
        "near_at_threshold": sum(alike) / PLANTED,
        "named_otherwise": len(found - own),
        "false": len(false) / len(rows),
        "after_split": after_split(rows, pairs),
    }


def after_split(rows: list[dict[str, str]], pairs: dict[str, list[Any]]) -> dict[str, int]:
    """Planted pairs that stand on two sides when `data split` has divided the same rows without given sides."""
    with tempfile.TemporaryDirectory() as folder:
        path, home = Path(folder) / "rows.jsonl", Path(folder) / "home"
        lines = (json.dumps({"text": row["text"], "label": f"class {i % 7}"}) for i, row in enumerate(rows))
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        end = list(dividing.split(str(path), fields={"text": "text", "label": "label"}, home=home))[-1]
        assert isinstance(end, Finished)
        made = load_split(home, end.result["split"])
    sides = {row: side for side in SIDES for row in getattr(made, side).tolist()}
    return {kind: sum(sides.get(a) != sides.get(b) for a, b in both) for kind, both in pairs.items()}


def main() -> int:
    """Measure both sets, print and keep the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default="")
    options = parser.parse_args()
    made, _ = near_duplicates.documents(options.documents, 0, options.seed)
    results = [measure("generated", made, options.seed, 0)]
    if options.data:
        with gzip.open(options.data, "rt", encoding="utf-8") as file:
            texts = [json.loads(line)["text"] for line in file]
        name = Path(options.data).parent.name
        results += [measure(name, texts, options.seed, shortest) for shortest in (0, 80)]
    for result in results:
        print(json.dumps(result), flush=True)
    if options.out:
        Path(options.out).write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
