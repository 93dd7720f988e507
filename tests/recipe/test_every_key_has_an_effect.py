"""No key of the recipe is read by nothing: each one, changed, changes something that can be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import approach_keys
import language_keys
from miniature import fit, job, weights
from tunesmith import catalog, doors
from tunesmith.events import Measured, Note, Saved, Step
from tunesmith.gate import judge
from tunesmith.lifecycle import lineage, prepare, prove
from tunesmith.lifecycle.climb import Rung
from tunesmith.parts import Profile
from tunesmith.recipe import schema
from tunesmith.recipe.sections import Gate, Recipe

pytestmark = pytest.mark.neural


def _line(n: int) -> str:
    sound, label, kind = ("cats purr", "cat", n % 2) if n % 3 else ("dogs bark", "dog", n % 2)
    return f"text number {n} says {sound} {n * 7919 % 97},{label},{'xy'[kind]},c{n // 4}"


LINES = ["body,queue,kind,customer", *map(_line, range(120))]


def trained(folder: Path, **changes: Any) -> dict[str, Any]:
    """What can be seen of a small training run."""
    torch = doors.open("torch")
    before = torch.get_num_threads()
    made = job(folder, **changes)
    events = fit(made)
    seen = {
        "weights": weights(made),
        "steps": sum(isinstance(event, Step) for event in events),
        "saved": sum(isinstance(event, Saved) for event in events),
        "measured": sum(isinstance(event, Measured) for event in events),
        "threads": torch.get_num_threads(),
        "notes": [event.text for event in events if isinstance(event, Note)],
    }
    torch.set_num_threads(before)
    return seen


def train_key(key: str, one: Any, other: Any, see: str = "weights", **rest: Any) -> Callable[[Path], bool]:
    def differs(folder: Path) -> bool:
        runs = [trained(folder / str(n), **{key: value, **rest})[see] for n, value in enumerate((one, other))]
        return runs[0] != runs[1]

    return differs


def part_key(kind: str, name: str, key: str, one: Any, other: Any) -> Callable[[Path], bool]:
    def differs(folder: Path) -> bool:
        runs = [
            trained(folder / str(n), **{kind: {"name": name, key: value}})["weights"]
            for n, value in enumerate((one, other))
        ]
        return runs[0] != runs[1]

    return differs


def approach_key(name: str, key: str, one: Any, other: Any) -> Callable[[Path], bool]:
    def head(folder: Path, value: Any) -> bytes:
        made = job(folder)
        part = type(made.recipe.approach)(name=name, options={key: value})
        made = replace(made, recipe=made.recipe.model_copy(update={"approach": part}))
        list(catalog.make("approach", part).fit(made))
        return (made.model / "head.safetensors").read_bytes()

    return lambda folder: head(folder / "0", one) != head(folder / "1", other)


def prepared(folder: Path, **data: Any) -> prepare.Prepared:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.csv").write_text("\n".join([*LINES, *data.pop("more", [])]) + "\n")
    (folder / "held.csv").write_text("\n".join([LINES[0], *LINES[1:30]]).replace("number", "nr") + "\n")
    if data.get("test"):
        data["test"] = str(folder / data["test"])
    fields = {"text": "body", "label": "queue"}
    recipe = Recipe.model_validate({"data": {"source": str(folder / "rows.csv"), "fields": fields} | data})
    return drain(prepare.prepare(recipe, folder / "home"))


def drain(events: Iterator[Any]) -> Any:
    while True:
        try:
            next(events)
        except StopIteration as ended:
            return ended.value


def data_key(
    change: dict[str, Any], see: Callable[[prepare.Prepared], Any], more: list[str] | None = None
) -> Any:
    def differs(folder: Path) -> bool:
        one = see(prepared(folder / "0", more=more or []))
        return one != see(prepared(folder / "1", more=more or [], **change))

    return differs


def too_many_broken(folder: Path) -> bool:
    from tunesmith.errors import DataError

    broken = ["one,two,three,four,five", "lonely"]
    with pytest.raises(DataError, match="F011"):
        prepared(folder / "0", more=broken)
    return prepared(folder / "1", more=broken, max_broken=0.5).rows == 120


def another_source(folder: Path) -> bool:
    with pytest.raises(Exception, match="F001"):
        prepared(folder, source=str(folder / "nothing.csv"))
    return True


def no_gpu(folder: Path) -> bool:
    """Where torch can use no GPU, one that is asked for is missed."""
    from tunesmith.errors import TunesmithError

    torch = doors.open("torch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cuda, "is_available", lambda: False)
        with pytest.raises(TunesmithError) as refused:
            trained(folder / "0", device="cuda")
        return refused.value.code == "C175" and bool(
            trained(folder / "1", device="auto", epochs=1)["weights"]
        )


def no_compiler(folder: Path) -> bool:
    """Where torch has no compiler, one that is asked for is missed; machine code is compared in tests/nn."""
    from tunesmith.errors import TunesmithError
    from tunesmith.nn import compiling

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiling.shutil, "which", lambda name: None)
        with pytest.raises(TunesmithError) as refused:
            trained(folder / "0", compile="on")
        assert refused.value.code == "C177"
        return bool(trained(folder / "1", compile="off", epochs=1)["weights"])


def no_c_compiler(folder: Path) -> bool:
    """Without a C compiler our passes are missed where they are asked for; they are compared in tests/nn."""
    from tunesmith.errors import TunesmithError
    from tunesmith.train.engine import kernels

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels.shutil, "which", lambda name: None)
        with pytest.raises(TunesmithError) as refused:
            trained(folder / "0", kernels="own")
        assert refused.value.code == "C178"
        return bool(trained(folder / "1", kernels="torch", epochs=1)["weights"])


def other_products(folder: Path) -> bool:
    """A run sets the library of the whole process: bits may agree, so torch is asked."""
    torch, seen = pytest.importorskip("torch"), []
    for number, products in enumerate(("onednn", "blas")):
        trained(folder / str(number), products=products, epochs=1)
        seen.append(torch.get_float32_matmul_precision())
    return seen == ["medium", "highest"]


def another_base(folder: Path) -> bool:
    from tunesmith.bases import resolve

    (folder / "base").mkdir()
    with pytest.raises(Exception, match="B202"):
        resolve(str(folder / "base"))
    return True


def parts_differ(kind: str) -> Callable[[Path], bool]:
    def differs(folder: Path) -> bool:
        with pytest.raises(Exception, match="C103"):
            catalog.make(
                kind,
                Recipe.model_validate({"data": {"source": "x"}, kind: "nonsense"})
                .model_copy()
                .__dict__[kind],
            )
        return len(catalog.names(kind)) >= 1

    return differs


def tuning_name(folder: Path) -> bool:
    return (
        trained(folder / "0", tuning="full")["weights"] != trained(folder / "1", tuning="freeze")["weights"]
    )


def approach_name(folder: Path) -> bool:
    left = []
    for name in ("majority", "linear"):
        made = job(folder / name)
        part = type(made.recipe.approach)(name=name)
        list(
            catalog.make("approach", part).fit(
                replace(made, recipe=made.recipe.model_copy(update={"approach": part}))
            )
        )
        left.append({path.name for path in made.model.iterdir()})
    return left[0] != left[1]


def gated(folder: Path) -> bool:
    worse = {"value": -0.1, "low": -0.2, "high": -0.05, "n": 50, "outcome": "worse"}
    scores = {"macro_f1": {"value": 0.9, "low": 0.8, "high": 0.95, "n": 50}}
    free, bound = judge(scores, Gate(), worse), judge(scores, Gate(not_worse_than="production"), worse)
    return free.passed and not bound.passed


def target_error(folder: Path) -> bool:
    import numpy as np

    made = job(folder)
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 200)
    logits = rng.normal(size=(200, 3)) + 1.5 * np.eye(3)[truth]

    def threshold(value: float | None) -> float:
        recipe = made.recipe.model_copy(
            update={"serve": made.recipe.serve.model_copy(update={"target_error": value})}
        )
        codec, _ = prove._calibrated(made.codec, Rung("x", recipe), logits, truth)
        return codec.settings["threshold"]

    return threshold(None) != threshold(0.01)


def served(key: str) -> Callable[[Path], bool]:
    def differs(folder: Path) -> bool:
        from serving import make_model
        from tunesmith.http.app import create_app

        model, _ = make_model(folder)
        options = model.recipe.serve.model_copy(update={key: 97})
        changed = replace(model, recipe=model.recipe.model_copy(update={"serve": options}))
        plain, other = (create_app(each).state.service.batcher for each in (model, changed))
        limits = [(batcher.max_batch, batcher.max_queue) for batcher in (plain, other)]
        plain.close()
        other.close()
        return limits[0] != limits[1]

    return differs


def parent(folder: Path) -> bool:
    made = prepared(folder)
    child = replace(made, recipe=made.recipe.model_copy(update={"parent": "tickets@1"}))
    return lineage.of(made)["parent"] != lineage.of(child)["parent"]


def decided(folder: Path) -> bool:
    from tunesmith.advise.ladder import ladder

    profile = Profile(100, {"a": 50, "b": 50})
    free = Recipe.model_validate({"data": {"source": "x"}, "train": {"epochs": 3}})
    bound = free.model_copy(update={"decided": {"train.epochs": "you"}})
    task = catalog.part("task", "text-classification")()
    return [r.train.epochs for _, r in ladder(free, task, profile)] != [
        r.train.epochs for _, r in ladder(bound, task, profile)
    ]


def unknown_form(folder: Path) -> bool:
    """A form that the rows do not have is refused."""
    from tunesmith.errors import TunesmithError

    made = prepared(folder / "0", form="text-label")
    with pytest.raises(TunesmithError) as refused:
        prepared(folder / "1", form="messages")
    return made.rows > 0 and refused.value.code == "M204"


CASES: dict[str, Callable[[Path], bool]] = {
    "task.name": parts_differ("task"),
    "base": another_base,
    "parent": parent,
    "data.source": another_source,
    "data.fields": data_key({"fields": {"text": "body", "label": "kind"}}, lambda p: p.profile.labels),
    "data.test": data_key({"test": "held.csv"}, lambda p: [r.key for r in p.test]),
    "data.split.validation": data_key({"split": {"validation": 0.4}}, lambda p: len(p.validation)),
    "data.split.test": data_key({"split": {"test": 0.4}}, lambda p: len(p.test)),
    "data.max_broken": too_many_broken,
    "data.ignore": data_key({"ignore": {"D101": "wanted"}}, lambda p: p.rows, more=[LINES[5], LINES[6]]),
    "data.form": unknown_form,
    "approach.name": approach_name,
    "tuning.name": tuning_name,
    "objective.name": parts_differ("objective"),
    "train.epochs": train_key("epochs", 1, 2, "steps"),
    "train.batch_size": train_key("batch_size", 4, 12, "steps"),
    "train.micro_tokens": train_key("micro_tokens", 0, 40),
    "train.peak_lr": train_key("peak_lr", 1e-3, 1e-2),
    "train.warmup": train_key("warmup", 0.0, 0.5),
    "train.weight_decay": train_key("weight_decay", 0.0, 0.5),
    "train.clip": train_key("clip", 1e-3, 10.0),
    "train.dropout": train_key("dropout", 0.0, 0.5),
    "train.patience": train_key("patience", 0, 1, "steps", epochs=30, peak_lr=0.05),
    "train.evaluations": train_key("evaluations", 1, 2, "measured"),
    "train.save_steps": train_key("save_steps", 1, 6, "saved"),
    "train.window": train_key("window", 1, 4),
    "train.checkpointing": train_key("checkpointing", "off", "on", "notes"),
    "train.reuse": train_key("reuse", "off", "on", tuning={"name": "freeze", "layers": 1}),
    "train.device": no_gpu,
    "train.dtype": train_key("dtype", "float32", "bfloat16"),
    "train.products": other_products,
    "train.compile": no_compiler,
    "train.kernels": no_c_compiler,
    "train.threads": train_key("threads", 1, 2, "threads"),
    "train.seed": train_key("seed", 0, 1),
    "gate.not_worse_than": gated,
    "serve.target_error": target_error,
    "serve.max_batch": served("max_batch"),
    "serve.max_queue": served("max_queue"),
    "decided": decided,
    "task[text-classification].max_length": part_key("task", "text-classification", "max_length", 8, 64),
    "task[text-classification].label_smoothing": part_key(
        "task", "text-classification", "label_smoothing", 0.0, 0.3
    ),
    "task[text-classification].pooling": part_key("task", "text-classification", "pooling", "mean", "first"),
    "task[text-classification].balance": lambda folder: (
        len(
            {
                catalog.part("task", "text-classification")(balance=value)
                .codec(None, Profile(60, {"a": 50, "b": 10}))
                .settings["balance"]
                for value in ("none", "weights", "oversample")
            }
        )
        == 3
    ),
    "approach[features].strength": approach_key("features", "strength", 0.01, 1.0),
    "approach[tune].head": lambda folder: (
        trained(folder / "0", approach={"name": "tune", "head": "probe"})["weights"]
        != trained(folder / "1", approach={"name": "tune", "head": "random"})["weights"]
    ),
    "approach[linear].words": approach_key("linear", "words", 1, 3),
    "approach[linear].characters": approach_key("linear", "characters", 2, 5),
    "approach[linear].strength": approach_key("linear", "strength", 0.1, 50.0),
    "tuning[full].head": part_key("tuning", "full", "head", 1.0, 10.0),
    "tuning[freeze].head": part_key("tuning", "freeze", "head", 1.0, 10.0),
    "tuning[lora].head": part_key("tuning", "lora", "head", 1.0, 10.0),
    "tuning[freeze].layers": part_key("tuning", "freeze", "layers", 0, 1),
    "tuning[lora].rank": part_key("tuning", "lora", "rank", 2, 8),
    "tuning[lora].alpha": part_key("tuning", "lora", "alpha", 4.0, 64.0),
    "tuning[lora].dropout": part_key("tuning", "lora", "dropout", 0.0, 0.5),
    "tuning[lora].targets": part_key("tuning", "lora", "targets", "linear", "attention"),
    "tuning[lora].layers": part_key("tuning", "lora", "layers", 0, 1),
    "tuning[lora].top": part_key("tuning", "lora", "top", 0, 1),
    "regularizer.name": parts_differ("regularizer"),
    **language_keys.CASES,
    **approach_keys.CASES,
}


def test_every_key_of_the_schema_has_a_case() -> None:
    assert set(CASES) == {row[0] for row in schema.schema()}


@pytest.mark.parametrize("key", sorted(CASES))
def test_the_key_has_an_effect(key: str, tmp_path: Path) -> None:
    assert CASES[key](tmp_path), f"{key} changed nothing that can be seen"
