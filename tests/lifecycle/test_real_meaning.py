"""What is far and what is alike in meaning, on real texts and the real base."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from data.rows import records
from tunesmith import bases
from tunesmith.data.checks.outliers import Outliers
from tunesmith.data.contents.labelled import Labelled
from tunesmith.errors import TunesmithError
from tunesmith.inputs import meaning
from tunesmith.lifecycle import evidence
from tunesmith.lifecycle.known import Wanted

pytestmark = pytest.mark.neural
OWN = 900


def some(file: Path, count: int, seed: int) -> list[tuple[str, str]]:
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    chosen = np.random.default_rng(seed).permutation(len(lines))[:count]
    rows = [json.loads(lines[index]) for index in chosen]
    return [(row["text"], row["label"]) for row in rows]


def vectors(rows: list, home: Path) -> np.ndarray:
    try:
        bases.resolve("minilm", offline=True)
    except TunesmithError as lacking:
        pytest.skip(f"minilm is absent: {lacking.found}")
    wanted = Wanted(deep=True, offline=True, home=home)
    events = evidence.gather(rows, Labelled(), wanted, frozenset({"embeddings"}))
    while True:
        try:
            next(events)
        except StopIteration as ended:
            return ended.value["embeddings"]


@pytest.fixture(scope="module")
def mixed(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[list, np.ndarray]:
    """900 rows of banking77 and 5 text messages, with their vectors."""
    own = some(shared / "data" / "banking77" / "train.jsonl.gz", OWN, 1)
    rows = records(*own, *some(shared / "data" / "sms-spam" / "all.jsonl.gz", 5, 2))
    return rows, vectors(rows, tmp_path_factory.mktemp("home"))


def test_few_rows_are_far_and_foreign_ones_are(mixed: tuple[list, np.ndarray]) -> None:
    rows, found = mixed
    check = Outliers()
    (finding,) = check.findings(
        check.update(check.start(), rows, {"content": Labelled(), "embeddings": found})
    )
    assert finding.fix is not None
    far = set(finding.fix.drops)
    foreign = {row.place.id for row in rows[OWN:]}
    print(f"{len(far)} far, {len(far & foreign)} of {len(foreign)} foreign")
    assert len(far & foreign) >= 3
    assert len(far - foreign) <= OWN // 100


def test_rows_alike_in_meaning_have_the_same_label(mixed: tuple[list, np.ndarray]) -> None:
    rows, found = mixed
    names = meaning.clusters(found)
    pairs = [(index, int(first)) for index, first in enumerate(names) if first != index]
    same = np.mean([rows[one].fields["label"] == rows[other].fields["label"] for one, other in pairs])
    print(f"{len(pairs)} pairs, {same:.1%} with the same label")
    assert len(pairs) >= 3
    assert same >= 0.9
