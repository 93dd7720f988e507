"""The verb `balance`: a plan for unequal classes whose effect is measured before anything is changed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith import catalog
from tunesmith.data import balance, enlarging
from tunesmith.data.balance import Folded, Remedy
from tunesmith.errors import DataError
from tunesmith.evaluate import compare, intervals, measure
from tunesmith.events import Event, Finished, Note, Progress, Stage
from tunesmith.fields import Record
from tunesmith.home import home_folder
from tunesmith.lifecycle import datasets
from tunesmith.lifecycle.datasets import Dataset
from tunesmith.lifecycle.enlarging import Tools, with_made
from tunesmith.lifecycle.results import Result
from tunesmith.lifecycle.synthesising import wanted_rows, written
from tunesmith.parts import Predictions

NOTHING = "nothing"
PLAIN = ("typos", "punctuation", "casing")  # ways that need nothing


def balanced(
    ref: str,
    *,
    ways: Sequence[str] = PLAIN,
    tools: Tools | None = None,
    apply: bool = False,
    seed: int = 0,
    form: str = "",
    fields: Mapping[str, str] | None = None,
    licence: str = "",
    home: Path | str | None = None,
) -> Iterator[Event]:
    """Cross-validate doing nothing, class weights, repeating rare rows, augmented rows and (with an endpoint) rows
    that a model writes, on the same folds; propose the best one that measurably helps: Finished(Result).

    apply: where the proposal is made of new rows, write them as a new version.
    """
    place = home_folder(home)
    dataset = yield from datasets.opened(ref, place, form=form, fields=fields, licence=licence)
    rows = _labelled(dataset)
    remedies = yield from _remedies(dataset, rows, ways, tools, seed)
    yield Stage("balance", f"{len(rows):,} rows, {balance.FOLDS} folds, {balance.REPEATS} times")
    begun, folded = time.monotonic(), []
    for found in balance.measured(rows, dataset.content, remedies, seed):
        folded.append(found)
        yield Progress("balance", len(folded), len(remedies), time.monotonic() - begun)
    arms = [_arm(each, folded[0]) for each in folded]
    best = _best(arms)
    yield Note(_sentence(best))
    values = {"data": ref, "rows": len(rows), "classes": balance.counts(rows, dataset.content), "arms": arms}
    values |= {
        "proposal": best["remedy"] if best else NOTHING,
        "command": _command(best, dataset, ways),
        "version": "",
    }
    made = next((each.made for each in remedies if best and each.name == best["remedy"]), ())
    if apply and made:
        step = {"verb": "balance", "with": best["remedy"] if best else "", "ways": list(ways), "seed": seed}
        after = yield from with_made(dataset, made, step, place)
        values["version"] = after.digest
    yield Finished(Result(values))


def _labelled(dataset: Dataset) -> list[Record]:
    rows = [row for row in dataset.records if dataset.content.labels(row) and not enlarging.is_made(row)]
    sizes = balance.counts(rows, dataset.content)
    if len(sizes) < 2 or min(sizes.values()) < 2:
        raise DataError(
            "L230",
            f"{dataset.ref} has {len(sizes)} classes, the smallest of {min(sizes.values(), default=0)} rows",
            expected="two classes or more, of two rows or more each",
            fixes=(f"tunesmith data check {dataset.ref}",),
            where=dataset.ref,
        )
    return rows


def _remedies(
    dataset: Dataset, rows: Sequence[Record], ways: Sequence[str], tools: Tools | None, seed: int
) -> Iterator[Any]:
    found = [Remedy(NOTHING), Remedy("weights", balanced=True), Remedy("oversample", repeat=True)]
    lacking = enlarging.shortfall(balance.counts(rows, dataset.content))
    made: list[Record] = []
    picked = enlarging.drawn(rows, dataset.content, lacking, seed)
    for number, name in enumerate(ways):
        part = catalog.part("augmentation", name)()
        given = (tools or Tools()).of(part.needs)
        mine = [each for n, each in enumerate(picked) if n % len(ways) == number]
        for copy in sorted({copy for _, copy in mine}):
            again = [row for row, round_ in mine if round_ == copy]
            made += enlarging.varied(again, dataset.content, name, part, seed=seed, copy=copy, given=given)
    made = enlarging.new_only(made, rows, dataset.content, near=False)
    if made:
        found += [Remedy("augment", made=made), Remedy("augment+weights", balanced=True, made=made)]
    if tools and tools.url:
        texts = yield from written(dataset, tools.endpoint(), wanted_rows(dataset, (), 0), seed)
        fresh = enlarging.new_only(texts, rows, dataset.content, near=True)
        found.append(
            Remedy("synth", made=enlarging.agreed(fresh, rows, dataset.content, enlarging.linear_judge))
        )
    return found


def _predictions(found: Folded) -> Predictions:
    exps = np.exp(found.logits - found.logits.max(axis=1, keepdims=True))
    probs = (exps / exps.sum(axis=1, keepdims=True)).astype(np.float32)
    guess = found.logits.argmax(axis=1)
    return Predictions(found.labels, probs, guess, found.truth, found.groups, found.rows)


def _arm(found: Folded, nothing: Folded) -> dict[str, Any]:
    metric, mine = measure.metric("macro_f1"), _predictions(found)
    score = intervals.interval(mine, metric)
    arm = {"remedy": found.remedy, "macro_f1": score.to_json(), "gain": None}
    if found is not nothing:
        gain = compare.paired(mine, _predictions(nothing), metric).to_json()
        arm["gain"] = {key: gain[key] for key in ("value", "low", "high", "n", "outcome")}
    return arm


def _best(arms: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    better = [arm for arm in arms if arm["gain"] and arm["gain"]["outcome"] == "better"]
    return max(better, key=lambda arm: arm["macro_f1"]["value"], default=None)


def _sentence(best: Mapping[str, Any] | None) -> str:
    if best is None:
        return "no remedy is measurably better than leaving the classes as they are"
    gain = best["gain"]
    return (
        f"{best['remedy']} helps: macro-F1 {gain['value']:+.3f} (95 % interval {gain['low']:+.3f} to "
        f"{gain['high']:+.3f}) over doing nothing, on rows not trained on; as the best of several it is a little "
        "too high"
    )


def _command(best: Mapping[str, Any] | None, dataset: Dataset, ways: Sequence[str]) -> str:
    if best is None:
        return ""
    rows, _, fit = best["remedy"].rpartition("+")
    learnt = f"tunesmith up {dataset.name if rows else dataset.ref} --set task.balance={fit}"
    if best["remedy"] in ("weights", "oversample"):
        return learnt
    applied = f"tunesmith data balance {dataset.ref} --with {','.join(ways)} --apply"
    return f"{applied} && {learnt}" if rows else applied
