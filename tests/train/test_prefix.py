"""The frozen bottom from the cache: the same run, never a foreign key, whole after damage and interruption."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from miniature import fit, job, weights
from tunesmith import catalog
from tunesmith.errors import CapacityError, Interrupted
from tunesmith.events import Event, Note, Progress, Step
from tunesmith.parts import Job
from tunesmith.store import files
from tunesmith.train import prefix, references
from tunesmith.train.engine import local

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.neural

TOP = {"name": "freeze", "layers": 1}
UPDATES = {"name": "lora", "layers": 1, "rank": 4}


def learnt(folder: Path, reuse: str = "on", objective: str = "", **changes: Any) -> Job:
    """A job with one frozen layer; with an objective, on rows of its content."""
    made = job(folder, reuse=reuse, **{"tuning": TOP, "dropout": 0.0, "micro_tokens": 512, **changes})
    if not objective:
        return made
    recipe = made.recipe.model_copy(update={"objective": type(made.recipe.objective)(name=objective)})
    rows = catalog.make("objective", recipe.objective).samples(made.task)
    return replace(made, recipe=recipe, train=rows[::2], validation=rows[1::4])


def notes(events: list[Event]) -> str:
    return "\n".join(event.text for event in events if isinstance(event, Note))


def losses(events: list[Event]) -> list[float]:
    return [value for event in events if isinstance(event, Step) for value in event.losses.values()]


def cached(folder: Path) -> dict[str, bytes]:
    """The bytes of every file of a cache of prefixes."""
    root = folder / "cache" / "prefix"
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(
    "tuning", [TOP, UPDATES, {"name": "freeze", "layers": 0}], ids=["top", "lora", "head"]
)
def test_a_classifier_ends_with_the_same_bits(tmp_path: Path, tuning: Any) -> None:
    plain, ours = learnt(tmp_path / "0", "off", tuning=tuning), learnt(tmp_path / "1", tuning=tuning)
    before, events = fit(plain), fit(ours)
    assert "computed once for 36 texts" in notes(events)
    assert losses(events) == pytest.approx(losses(before), rel=1e-6)
    assert weights(ours) == weights(plain)


@pytest.mark.parametrize(
    ("task", "objective"),
    [("chat", ""), ("completion", ""), ("reward", ""), ("chat", "dpo"), ("chat", "kto"), ("chat", "orpo")],
)
def test_losses_of_words_are_the_same(tmp_path: Path, task: str, objective: str) -> None:
    plain = learnt(tmp_path / "0", "off", objective, task=task, tuning=UPDATES)
    ours = learnt(tmp_path / "1", "on", objective, task=task, tuning=UPDATES)
    before, events = fit(plain), fit(ours)
    assert "computed once" in notes(events)
    assert losses(events) == pytest.approx(losses(before), rel=1e-5)


def test_what_is_hidden_anew_each_time_is_not_cut(tmp_path: Path) -> None:
    plain, ours = (
        learnt(tmp_path / mode, mode, task="masked-language-model", tuning=UPDATES) for mode in ("off", "on")
    )
    fit(plain)
    assert "can't be told apart" in notes(fit(ours))
    assert weights(ours) == weights(plain)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_dropout_below_is_off_whether_there_is_room_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: str
) -> None:
    stored = learnt(tmp_path / "0", dropout=0.3, dtype=dtype)
    known = losses(fit(stored))
    monkeypatch.setattr(files, "free_bytes", lambda path: 0)
    computed = learnt(tmp_path / "1", dropout=0.3, dtype=dtype)
    events = fit(computed)
    assert "computed each time, without dropout: they need" in notes(events)
    assert losses(events) == pytest.approx(known, rel=1e-5 if dtype == "float32" else 0.05)
    assert not (tmp_path / "1" / "cache" / "prefix").exists()


def test_a_disk_that_fills_meanwhile_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seal = files.seal

    def full(folder: Path) -> str:
        if "prefix" in folder.parts:
            raise CapacityError("R601", "no room to write", expected="room", where=str(folder))
        return seal(folder)

    plain = losses(fit(learnt(tmp_path / "0", "off")))
    monkeypatch.setattr(files, "seal", full)
    events = fit(learnt(tmp_path / "1"))
    assert "computed each time, without dropout: no room" in notes(events)
    assert losses(events) == pytest.approx(plain, rel=1e-6)


def stopped(made: Job, when: Callable[[Event], bool]) -> None:
    with pytest.raises(Interrupted):
        for event in catalog.make("approach", made.recipe.approach).fit(made):
            if when(event):
                made.stop.set()


def test_a_fill_that_was_stopped_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefix, "CHUNK_BYTES", 20_000)
    monkeypatch.setattr(references, "TOGETHER", 256)
    monkeypatch.setattr(references.batches, "__defaults__", (256,))
    whole = learnt(tmp_path / "0", dropout=0.2)
    fit(whole)
    made = learnt(tmp_path / "1", dropout=0.2)
    stopped(made, lambda event: isinstance(event, Progress) and event.stage == "frozen layers")
    some = cached(tmp_path / "1")
    assert 0 < len(some) < len(cached(tmp_path / "0"))
    resumed = learnt(tmp_path / "1", dropout=0.2, resume=True)
    fit(resumed)
    assert cached(tmp_path / "1") == cached(tmp_path / "0")
    assert weights(resumed) == weights(whole)


def test_a_resumed_run_ends_with_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = learnt(tmp_path / "0", dropout=0.2)
    fit(whole)
    stopped(learnt(tmp_path / "1", dropout=0.2), lambda event: isinstance(event, Step) and event.step == 5)
    files.remove(tmp_path / "1" / "cache")
    resumed = learnt(tmp_path / "1", dropout=0.2, resume=True)
    fit(resumed)
    assert weights(resumed) == weights(whole)


def test_a_run_that_began_without_room_goes_on_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(files, "free_bytes", lambda path: 0)
        whole = learnt(tmp_path / "0", dropout=0.2)
        fit(whole)
        stopped(
            learnt(tmp_path / "1", dropout=0.2), lambda event: isinstance(event, Step) and event.step == 5
        )
    resumed = learnt(tmp_path / "1", dropout=0.2, resume=True)
    assert "so it began" in notes(fit(resumed))
    assert weights(resumed) == weights(whole)


def test_a_damaged_chunk_is_set_aside_and_computed_again(tmp_path: Path) -> None:
    first = learnt(tmp_path)
    fit(first)
    known, before = weights(first), cached(tmp_path)
    (victim,) = (tmp_path / "cache" / "prefix").rglob("tensors.safetensors")
    damaged = bytearray(victim.read_bytes())
    damaged[-1] ^= 1
    victim.write_bytes(damaged)
    again = learnt(tmp_path)
    assert "set aside" in notes(fit(again))
    assert weights(again) == known
    assert {name: each for name, each in cached(tmp_path).items() if "damaged" not in name} == before


def test_folds_and_later_runs_read_what_is_there(tmp_path: Path) -> None:
    first = learnt(tmp_path / "0")
    fit(first)
    before = cached(tmp_path / "0")
    turned = replace(learnt(tmp_path / "1"), cache=first.cache)
    turned = replace(turned, train=[*turned.train[4:], *turned.validation], validation=turned.train[:4])
    fit(turned)
    assert cached(tmp_path / "0") == before


# ---- keys -------------------------------------------------------------------------------------------------------


def cut(change: Callable[[Any], object] | None = None, layers: int = 1) -> Any:
    """A cut miniature of two layers, changed before it is cut."""
    from tunesmith.nn import parameters
    from tunesmith.nn import prefix as cutting

    made = job(Path("nowhere"))
    net = local.network(made)
    if change:
        change(net)
    parameters.freeze_below(net, 2 - layers)
    place = cutting.find(net)
    assert place
    return cutting.Prefix(net, place)


def one_byte(net: Any) -> None:
    with torch.no_grad():
        next(net.backbone.parameters())[3, 3] += 1e-7


def other_norm(net: Any) -> None:
    net.backbone.config.layer_norm_eps = 1e-5


def other_kernel(net: Any) -> None:
    net.backbone.set_attn_implementation("sdpa")


@pytest.mark.parametrize(
    "change", [one_byte, other_norm, other_kernel, lambda net: net.backbone.to(torch.bfloat16)]
)
def test_another_bottom_has_another_key(change: Callable[[Any], object]) -> None:
    assert prefix.key(cut(change)) != prefix.key(cut())
    assert prefix.key(cut()) == prefix.key(cut())


def test_another_cut_has_another_key_and_what_is_above_changes_none() -> None:
    def head(net: Any) -> None:
        with torch.no_grad():
            net.head.weight.add_(1.0)
            net.backbone.encoder.layer[1].output.dense.weight.add_(1.0)

    assert prefix.key(cut(layers=2)) != prefix.key(cut())
    assert prefix.key(cut(head)) == prefix.key(cut())


def test_a_text_is_known_by_all_that_the_network_is_told_of_it() -> None:
    ids = torch.tensor([[5, 6, 7, 0], [5, 6, 7, 8]])
    mask = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1]])
    (one, three), (two, four) = prefix.keys({"ids": ids, "mask": mask})
    assert (three, four) == (3, 4) and one != two
    assert prefix.keys({"ids": ids[:1, :3], "mask": mask[:1, :3]}) == [(one, 3)]
    moved = {"ids": ids, "mask": mask, "positions": torch.tensor([[0, 1, 2, 0], [0, 1, 2, 3]])}
    assert one not in dict(prefix.keys(moved))
    turned = {**moved, "positions": moved["positions"].flip(1)}
    assert not dict(prefix.keys(moved)).keys() & dict(prefix.keys(turned)).keys()
    assert prefix.keys({"ids": ids[:1], "mask": mask[:1].flip(1)})[0][1] == 0  # padding comes first
    assert prefix.keys({"ids": ids[:1], "mask": mask[:1] * 0})[0][1] == 0
