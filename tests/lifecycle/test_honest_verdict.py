"""The verdict claims nothing where there is nothing: random labels, through the real linear rung."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tunesmith import catalog, lifecycle
from tunesmith.evaluate import measure, verdict
from tunesmith.fields import Record
from tunesmith.lifecycle.prepare import rehearsal
from tunesmith.outcomes import predictions_of
from tunesmith.parts import Job, Profile
from tunesmith.recipe.sections import Recipe

SEEDS = 200
EXAMPLES = Path(__file__).parents[2] / "examples" / "tickets.csv"


def rows_of_tickets() -> list[Record]:
    from tunesmith.data import mapping, source

    task = catalog.part("task", "text-classification")()
    found = source.sniff(EXAMPLES)
    reading = mapping.read_as(found, content=task.content)
    return [row for row in mapping.records(found, reading) if isinstance(row, Record) and row.fields["text"]]


def outcome(rows: list[Record], labels: list[str], folder: Path) -> str:
    """Fit the linear rung on two thirds of the rows with these labels; the verdict on the last third."""
    rows = [
        replace(row, fields={"text": row.fields["text"], "label": label})
        for row, label in zip(rows, labels, strict=True)
    ]
    cut = 2 * len(rows) // 3
    task = catalog.part("task", "text-classification")()
    counts = {label: labels[:cut].count(label) for label in sorted(set(labels[:cut]))}
    codec = task.codec(None, Profile(cut, counts))
    recipe = Recipe.model_validate({"data": {"source": "x"}, "approach": "linear"})
    job = Job(task, recipe, rows[:cut], (), codec, None, folder, folder)
    approach = catalog.make("approach", recipe.approach)
    list(approach.fit(job))
    outputs = approach.open(job.model, task, codec, None, recipe).outputs(rows[cut:])
    made = [task.decode(row, out, codec) for row, out in zip(rows[cut:], outputs, strict=True)]
    keys = [str(n) for n in range(len(made))]
    found = predictions_of(made, labels[cut:], keys, keys)
    return verdict.verdict(
        found, counts, {}, measure.metric("macro_f1"), permutations=800, replicates=50
    ).outcome


@pytest.mark.slow
def test_random_labels_are_called_better_in_at_most_ten_of_two_hundred_seeds(
    tmp_path: Path, seed: int
) -> None:
    rows = rows_of_tickets()[:240]
    told = []
    for number in range(SEEDS):
        rng = np.random.default_rng([seed, number])
        labels = [str(label) for label in rng.choice(["a", "b", "c"], len(rows), p=[0.6, 0.3, 0.1])]
        told.append(outcome(rows, labels, tmp_path / "fit"))
    print(f"better in {told.count('better')} of {SEEDS}; cannot-tell {told.count('cannot-tell')}")
    assert told.count("better") <= 10


def test_true_labels_are_called_better(tmp_path: Path) -> None:
    rows = rows_of_tickets()[:240]
    assert outcome(rows, [row.fields["label"] for row in rows], tmp_path) == "better"


def test_up_on_random_labels_serves_linear_and_never_a_constant(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    lines = [f"{row.fields['text']!r},{rng.choice(['x', 'y'])}" for row in rehearsal_rows() for _ in (0,)]
    data = tmp_path / "noise.csv"
    data.write_text(
        "text,label\n"
        + "\n".join('"' + line.replace('"', "'").rpartition(",")[0] + '",' + line[-1] for line in lines)
    )
    result = lifecycle.run(lifecycle.up(str(data), home=tmp_path / "home", budget=0.5))
    assert result["chosen"] == "linear"
    assert result["verdict"]["outcome"] != "better"


def rehearsal_rows() -> list[Record]:
    prepared = rehearsal(Recipe.model_validate({"data": {"source": "x"}}))
    return [*prepared.train, *prepared.validation, *prepared.test]
