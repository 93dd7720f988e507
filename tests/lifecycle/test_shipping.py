"""An export is read again before it leaves: what differs is caught, and nothing is left at the goal."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import exporting
from exporting import agreements, exported, registered
from tunesmith import bases, catalog, doors
from tunesmith.errors import IntegrityError, MissingError, TunesmithError, UsageError
from tunesmith.events import Note, Saved
from tunesmith.inputs import base_template, chat
from tunesmith.lifecycle import agreeing, origins, shipping
from tunesmith.model import Model
from tunesmith.parts import Witness
from tunesmith.serve import asking
from tunesmith.serve.exports import _words
from tunesmith.store import files

pytestmark = pytest.mark.neural
pytest.importorskip("gguf", reason='gguf is absent: pip install -e ".[export]"')
TURNS = [{"role": "user", "content": "Where is it?"}]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a base and a home in which `lora` and `full` are registered."""
    folder = tmp_path_factory.mktemp("shipping")
    base = exporting.base(folder / "base")
    registered(folder / "home", base, seed=1)
    registered(folder / "home", base, tuning="full", seed=2)
    return folder


LORA, FULL = "adapter-1", "adapter-2"


def refusal(ref: str, form: str, out: Path, home: Path, *overrides: str) -> TunesmithError:
    """The error of an export that fails; nothing is left where it was to be."""
    before = sorted(out.parent.iterdir())
    with pytest.raises(TunesmithError) as caught:
        exported(ref, form, out, home, *overrides)
    assert sorted(out.parent.iterdir()) == before
    return caught.value


# ---- what is planted is caught ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["adapter", "merged", "gguf", "modelfile"])
def test_a_wrong_template_in_the_exported_tokenizer(
    form: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = _words.program

    def wrong(codec: Any) -> str:
        return right(codec).replace("<|im_end|>\n", "<|im_end|>")

    monkeypatch.setattr(_words, "program", wrong)
    if form == "modelfile":  # its template is derived from the codec's own
        from tunesmith.serve.exports import _go

        derived: Callable[..., str] = _go.derived
        monkeypatch.setattr(
            _go, "derived", lambda *given: derived(*given).replace("<|im_end|>\n", "<|im_end|>")
        )
    found = refusal(LORA, form, tmp_path / "out", place / "home")
    assert (type(found), found.code) == (IntegrityError, "W110")
    assert "texts as tokens differ" in found.found


@pytest.mark.parametrize("form", ["merged", "gguf"])
def test_an_adapter_that_was_not_merged(
    form: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def nothing(module: Any, tensors: Any) -> Any:
        return torch.zeros_like(module.get_base_layer().weight)

    monkeypatch.setattr("tunesmith.train.tuning.lora._update", nothing)
    found = refusal(LORA, form, tmp_path / "out", place / "home")
    assert found.code == "W110"
    assert "log-probabilities differ" in found.found


class Even:
    """A model to which tokens 5 and 6 are equally likely, and 7 is not."""

    def next(self, ids: Any) -> Any:
        return {5: -0.7, 6: -0.7, 7: -3.0}


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [((5, 2), ""), ((5,), "wrong"), ((5, 2, 8), "wrong"), ((6, 2), "tie"), ((7, 2), "wrong")],
)
def test_answers_that_part_or_end_elsewhere(theirs: tuple[int, ...], verdict: str) -> None:
    row = agreeing.Row((), (1,), (5, 2), True, ())
    model: Any = Even()
    assert agreeing._parted(model, row, theirs, 0.01) == verdict


def test_a_library_that_fails_is_told_in_one_error(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*given: Any) -> Iterator[Witness]:
        raise RuntimeError("the file is odd\nand more")
        yield

    monkeypatch.setattr(catalog.part("export", "merged"), "witnesses", fails)
    found = refusal(FULL, "merged", tmp_path / "out", place / "home")
    assert found.code == "W110" and "the file is odd" in found.found and "more" not in found.found


# ---- what can't be is refused before a tensor is read --------------------------------------------------------------


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model may be loaded."""

    def load(*given: Any, **named: Any) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(Model, "load", load)


@pytest.mark.usefixtures("unread")
def test_forms_that_a_tuning_has_not(place: Path, tmp_path: Path) -> None:
    found = refusal(FULL, "adapter", tmp_path / "out", place / "home")
    assert (type(found), found.code) == (UsageError, "W102")
    assert found.fixes == tuple(
        f"tunesmith export {FULL}@1 {form}" for form in ("gguf", "merged", "modelfile")
    )


@pytest.mark.parametrize(("tuning", "forms"), [("adapter", []), ("prompt", ["adapter"]), ("ia3", None)])
def test_what_is_possible_by_tuning(
    tuning: str, forms: list[str] | None, place: Path, tmp_path: Path
) -> None:
    ref = registered(tmp_path / "home", place / "base", tuning=tuning)
    origin = origins.origin(*origins.found(ref, tmp_path / "home"))
    assert shipping.possible(origin) == (sorted(catalog.names("export")) if forms is None else forms)
    if forms is not None:
        assert refusal(ref, "merged", tmp_path / "out", tmp_path / "home").code == "W103"


@pytest.mark.parametrize(
    ("overrides", "code"),
    [(["typ=f32"], "C101"), (["type=q4"], "C102"), (["type"], "C106"), (["type=1979-05-27"], "C102")],
)
@pytest.mark.usefixtures("unread")
def test_options_are_checked(overrides: list[str], code: str, place: Path, tmp_path: Path) -> None:
    found = refusal(FULL, "gguf", tmp_path / "out", place / "home", *overrides)
    assert found.code == code and found.where.startswith("--set")


@pytest.mark.usefixtures("unread")
def test_unknown_forms_names_and_taken_places(place: Path, tmp_path: Path) -> None:
    assert refusal(FULL, "merge", tmp_path / "out", place / "home").code == "C103"
    assert refusal("nobody", "merged", tmp_path / "out", place / "home").code == "N501"
    (tmp_path / "there").mkdir()
    assert refusal(FULL, "merged", tmp_path / "there", place / "home").code == "F039"


@pytest.mark.usefixtures("unread")
def test_a_missing_library_is_named_with_its_extra(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = doors.open

    def gone(library: str) -> Any:
        if library != "gguf":
            return there(library)
        raise MissingError(
            "E501", f"the library '{library}' is not installed", expected=doors.EXTRAS[library]
        )

    monkeypatch.setattr(shipping.doors, "open", gone)
    found = refusal(FULL, "gguf", tmp_path / "out", place / "home")
    assert (found.code, found.expected) == ("E501", "export")


@pytest.mark.usefixtures("unread")
def test_a_model_that_says_labels_has_nothing_to_export(place: Path, tmp_path: Path) -> None:
    folder, _ = origins.found(LORA, place / "home")
    copy = Path(shutil.copytree(folder, tmp_path / "bundle"))
    recipe = 'task = "text-classification"\napproach = "majority"\n[data]\nsource = "rows.csv"\n'
    (copy / "recipe.toml").write_text(recipe)
    files.seal(copy)
    found = refusal(str(copy), "merged", tmp_path / "out", tmp_path / "home")
    assert (found.code, found.exit_code) == ("W101", 2) and "text-classification" in found.found


def test_a_model_without_weights_of_its_own(place: Path, tmp_path: Path) -> None:
    ref = exporting.adapters.register(tmp_path / "home", place / "base", 1, approach="prompt")
    found = refusal(ref, "merged", tmp_path / "out", tmp_path / "home")
    assert found.code == "W101" and "approach 'prompt'" in found.found


def test_a_damaged_bundle_is_named(place: Path, tmp_path: Path) -> None:
    ref = registered(tmp_path / "home", place / "base", seed=5)
    folder, _ = origins.found(ref, tmp_path / "home")
    (folder / "codec.json").write_text("{}")
    assert refusal(ref, "merged", tmp_path / "out", tmp_path / "home").code == "I302"


# ---- what leaves --------------------------------------------------------------------------------------------------


def test_the_folder_is_sealed_and_tells_its_proof(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    *events, finished = exported(LORA, "merged", out, place / "home")
    (saved,) = (event for event in events if isinstance(event, Saved))
    result: Any = finished
    values = result.result.to_dict()
    assert files.verify(out, saved.digest) == values["sha256"]
    assert any("log-probabilities agree" in event.text for event in events if isinstance(event, Note))
    known = files.read_json(out / "parity.json")
    assert known["agreements"] == values["parity"] and known["form"] == "merged"
    assert {each["wrong"] for each in values["parity"]} == {0}
    card = (out / "README.md").read_text("utf-8")
    assert card.startswith("---\nlicense:") and "tuned from" in card and "## Licence" in card
    assert [each["file"] for each in values["files"]] == sorted(path.name for path in out.iterdir())


@pytest.mark.parametrize(("mask", "folder", "file"), [(0o022, 0o755, 0o644), (0o077, 0o700, 0o600)])
def test_an_export_has_the_modes_of_what_the_user_makes(
    mask: int, folder: int, file: int, place: Path, tmp_path: Path
) -> None:
    before = os.umask(mask)
    try:
        exported(LORA, "merged", tmp_path / "out", place / "home")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == folder
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert modes == {file}


@pytest.mark.parametrize("ref", [LORA, FULL])
def test_the_model_is_loaded_once(
    ref: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunesmith.train.engine import local

    made: list[Any] = []
    network = local.network

    def counted(job: Any) -> Any:
        made.append(job)
        return network(job)

    monkeypatch.setattr(local, "network", counted)
    exported(ref, "merged", tmp_path / "out", place / "home", server=True)
    assert len(made) <= 1  # none where another model holds the base already


@pytest.mark.parametrize("form", ["merged", "gguf"])
def test_rounding_leaves_models_on_the_same_base_alone(form: str, place: Path, tmp_path: Path) -> None:
    """Adapters share the tensors of their base while they are in memory."""
    folder, _ = origins.found(LORA, place / "home")
    held = Model.load(folder)
    rounded = ["type=q8_0"] if form == "gguf" else ["dtype=bfloat16"]
    exported(LORA, form, tmp_path / "out", place / "home", *rounded)
    assert not held.parity([each.to_json() for each in held.predict(asking.records(held))], exact=True)


def test_a_merged_folder_is_a_base_with_the_same_tokens(place: Path, tmp_path: Path) -> None:
    exported(LORA, "merged", tmp_path / "out", place / "home")
    origin = origins.origin(*origins.found(LORA, place / "home"))
    again = base_template.template_of(bases.resolve(str(tmp_path / "out")))
    before = chat.template(origin.codec)
    assert again.asked(TURNS).ids == before.asked(TURNS).ids
    assert again.stops == before.stops and again.window == before.window
    ref = registered(tmp_path / "home", tmp_path / "out", seed=7)
    exported(ref, "adapter", tmp_path / "adapter", tmp_path / "home")
    assert agreements(tmp_path / "adapter")["log-probabilities", "peft"]["n"] > 0


def test_a_bundle_of_its_own_base_is_exported_whole(tmp_path: Path) -> None:
    """What `scratch` leaves: no tuning, and the base is the model."""
    ref = _scratch(tmp_path)
    exported(ref, "merged", tmp_path / "out", tmp_path / "home")
    origin = origins.origin(*origins.found(ref, tmp_path / "home"))
    assert origin.tuning is None
    assert refusal(ref, "adapter", tmp_path / "adapter", tmp_path / "home").code == "W102"
    assert "trained from nothing" in (tmp_path / "out" / "README.md").read_text("utf-8")


def _scratch(folder: Path) -> str:
    """A bundle as the approach `scratch` leaves it, with random weights."""
    from tunesmith import model
    from tunesmith.fields import Record
    from tunesmith.parts import Profile
    from tunesmith.recipe.sections import Data, Part, Recipe
    from tunesmith.registry import Registry

    inside = exporting.base(folder / "bundle" / "model")
    recipe = Recipe(task=Part(name="chat"), approach=Part(name="scratch"), data=Data(source="made up"))
    task: Any = catalog.make("task", Part(name="chat", options={"answer_tokens": 8}))
    codec = task.codec(bases.resolve(str(inside)), Profile(0))
    model.write_codec(inside, codec)
    golden = [Record(dict(row.fields)) for row in task.samples()[:2]]
    made = model.write_bundle(
        folder / "bundle",
        name="own",
        codec=codec,
        recipe=recipe,
        base=None,
        evaluation={},
        lineage={},
        golden=golden,
    )
    return Registry(folder / "home").register(folder / "bundle", "own", made.digest, {}).ref


def test_a_completion_model_reads_texts_with_what_it_was_taught(place: Path, tmp_path: Path) -> None:
    """Its frame is no chat: the exported tokenizer puts the bos token before a text, and has no template."""
    base = exporting.base(tmp_path / "base", shape="llama-3")
    ref = exporting.registered(tmp_path / "home", base, task="completion", tuning="full")
    exported(ref, "merged", tmp_path / "out", tmp_path / "home")
    assert agreements(tmp_path / "out")["texts as tokens", "transformers"]["n"] == 2
    assert "chat_template" not in files.read_json(tmp_path / "out" / "tokenizer_config.json")
    exported(ref, "modelfile", tmp_path / "ollama", tmp_path / "home", "system=Be kind.", "num_ctx=64")
    written = (tmp_path / "ollama" / "Modelfile").read_text("utf-8")
    assert 'TEMPLATE """{{ .Prompt }}"""' in written and 'SYSTEM """Be kind."""' in written
    assert "PARAMETER num_ctx 64" in written and "PARAMETER temperature 0\n" in written


@pytest.mark.slow
def test_a_server_of_the_bundle_is_asked_too(place: Path, tmp_path: Path) -> None:
    exported(LORA, "merged", tmp_path / "out", place / "home", server=True)
    served = agreements(tmp_path / "out")["golden rows", "tunesmith"]
    assert (served["n"], served["wrong"]) == (2, 0)
