"""The verbs as plain functions: `import tunesmith; result = tunesmith.up("tickets.csv")`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith import lifecycle
from tunesmith.lifecycle.results import ModelResult, Result

if TYPE_CHECKING:
    from tunesmith.model import Model
    from tunesmith.recipe.sections import Recipe

Folder = Path | str | None
File = Path | str
UNITS = {"s": 1, "m": 60, "h": 3600}


def up(
    data: File,
    *,
    text: str = "",
    label: str = "",
    group: str = "",
    test: File = "",
    base: File = "",
    task: str = "",
    form: str = "",
    budget: float | str = "10m",
    prefer: str = "simple",
    home: Folder = None,
    out: Folder = None,
    serve: bool = False,
    port: int = 8080,
    seed: int = 0,
    offline: bool = False,
    prove_all: bool = False,
    overrides: Sequence[str] = (),
) -> ModelResult:
    """From a file to a proven, registered model.

    task: the kind of problem; form: how rows are written; else both are found out.  text, label, group: columns; what
    is not given is inferred.  test: a file of its own for the proof.
    budget: seconds, or '90s', '10m', '1h'.  prefer: 'simple' or 'best'.  overrides: values of the recipe, such as
    'train.epochs=3'.  serve: leave a server running (`result.server`, `result["endpoint"]`).
    Raises TunesmithError: every one has a code, a place and a fix.
    """
    _go_offline(offline)
    return lifecycle.run(
        lifecycle.up(
            str(data),
            fields=_fields(text, label, group),
            test=str(test),
            base=str(base),
            task=task,
            form=form,
            budget=seconds(budget),
            prefer=prefer,
            home=home,
            out=out,
            serve=serve,
            port=port,
            seed=seed,
            offline=offline,
            prove_all=prove_all,
            overrides=overrides,
        )
    )


def train(
    recipe: Recipe | File | None = None,
    *,
    overrides: Sequence[str] = (),
    resume: str = "",
    rehearse: bool = False,
    home: Folder = None,
    offline: bool = False,
) -> ModelResult:
    """One recipe (a file or a Recipe) from its data to a registered model.

    resume: id of an interrupted run to take up again.  rehearse: the whole life on samples and a miniature.
    """
    _go_offline(offline)
    verb = lifecycle.train(
        recipe, overrides=overrides, resume=resume, rehearse=rehearse, home=home, offline=offline
    )
    return lifecycle.run(verb)


def sweep(
    recipe: Recipe | File | None = None,
    over: Mapping[str, Any] | Sequence[str] = (),
    *,
    trials: int = 0,
    sampler: str = "auto",
    halving: int = 3,
    budget: float | str = 0,
    baseline: bool = False,
    overrides: Sequence[str] = (),
    resume: str = "",
    home: Folder = None,
    offline: bool = False,
) -> Result:
    """The best recipe among many: `result["winner"]["recipe"]` is a file for `train`.

    over: {'tuning.rank': [4, 8, 16], 'train.peak_lr': (1e-5, 1e-3)}: a list of values, or a range as a tuple; or texts
    as behind --over on the command line.  trials: points to try, 0: the whole grid, or 16.  sampler: 'auto', 'grid',
    'random', 'tpe'.  halving: of so many trials one goes on at each rung; 1: all run to their end.  budget: seconds or
    '10m' of training into which the trials must fit, 0: no limit.  baseline: run the recipe's own values to the end
    too.  resume: id of an interrupted sweep.
    """
    from tunesmith.lifecycle import space, sweeping

    _go_offline(offline)
    given = [space.written(key, value) for key, value in over.items()] if isinstance(over, Mapping) else over
    verb = sweeping.sweep(
        recipe,
        over=given,
        trials=trials,
        sampler=sampler,
        factor=halving,
        budget=seconds(budget) if budget else 0.0,
        baseline=baseline,
        overrides=overrides,
        resume=resume,
        home=home,
        offline=offline,
    )
    return lifecycle.run(verb)


def evaluate(model: File, data: File, *, text: str = "", label: str = "", home: Folder = None) -> Result:
    """Scores of a model on the labelled rows of a file, each with an interval and per class."""
    from tunesmith.lifecycle import judging

    return lifecycle.run(judging.evaluate(str(model), str(data), fields=_fields(text, label), home=home))


def compare(*models: File, on: File, text: str = "", label: str = "", home: Folder = None) -> Result:
    """Models on the same rows, each paired with the first: differences, rows fixed, rows broken."""
    from tunesmith.lifecycle import judging

    refs = [str(model) for model in models]
    return lifecycle.run(judging.compare(refs, str(on), fields=_fields(text, label), home=home))


def predict(model: File, data: File, *, text: str = "", home: Folder = None) -> list[dict[str, Any]]:
    """One dict per row of a file, in order: place, label, confidence, abstain, probs, labels; or place, error, fix."""
    from tunesmith.lifecycle import judging

    return list(judging.predict(str(model), str(data), text=text, home=home, stdin=None))


def check(
    data: File, *, text: str = "", label: str = "", test: File = "", overrides: Sequence[str] = ()
) -> Result:
    """What is wrong with a file; nothing is changed."""
    from tunesmith.lifecycle import examining

    fields = _fields(text, label)
    return lifecycle.run(examining.check(str(data), fields=fields, test=str(test), overrides=overrides))


def export(
    model: File,
    form: str,
    *,
    out: File = "",
    overrides: Sequence[str] = (),
    home: Folder = None,
    offline: bool = False,
) -> Result:
    """A model as a folder that other programs read: 'adapter', 'merged', 'gguf', 'modelfile'.

    The folder is read again, and must say what the model says on its golden rows.  out: a new folder, by default
    'NAME-FORM' here.  overrides: options of the form, such as 'type=q8_0'.
    """
    from tunesmith.lifecycle import shipping

    _go_offline(offline)
    return lifecycle.run(shipping.export(str(model), form, out=out, overrides=overrides, home=home))


def load(ref: File, *, home: Folder = None) -> Model:
    """A model by 'name', 'name@3', 'name@production' or the folder of its bundle: `.predict_texts([…])`."""
    return lifecycle.open_model(str(ref), home)


def seconds(budget: float | str) -> float:
    """Seconds of a number, or of '90', '90s', '10m', '1h'.  Raises UsageError C124."""
    import re

    from tunesmith.errors import UsageError

    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([smh]?)\s*", str(budget).lower())
    value = float(found[1]) * UNITS.get(found[2], 1) if found else 0.0
    if not 0 < value <= 30 * 24 * 3600:
        raise UsageError(
            "C124",
            f"'{budget}' is no time budget",
            expected="seconds, or a number with s, m or h: 90, 90s, 10m, 1h",
            fixes=("--budget 10m",),
            where="budget",
        )
    return value


def _fields(text: str = "", label: str = "", group: str = "") -> Mapping[str, str]:
    given = {"text": text, "label": label, "group": group}
    return {name: column for name, column in given.items() if column}


def _go_offline(offline: bool) -> None:
    if offline:
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
