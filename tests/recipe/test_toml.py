"""Recipes as text: what loads, what is written back, and how mistakes are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.errors import AccessError, MissingError, UsageError
from tunesmith.recipe import toml
from tunesmith.recipe.sections import Data, Gate, Part, Recipe, Serve, Split, Train

TEXT = """\
task = "text-classification"
base = "minilm"

[data]
source = "tickets.csv"
fields = { text = "body", label = "queue" }

[approach]
name = "tune"

[tuning]
name = "freeze"
layers = 3

[train]
epochs = 3
peak_lr = 2e-4

[gate]
macro_f1 = ">= 0.85"
not_worse_than = "production"
"""


def refused(text: str, *overrides: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        toml.loads(text, "my.toml", overrides)
    assert caught.value.exit_code == 2
    assert caught.value.expected
    return caught.value


def test_a_recipe_loads_with_the_words_of_its_parts() -> None:
    recipe = toml.loads(TEXT)
    assert recipe.task == Part(name="text-classification")
    assert recipe.tuning.options == {"layers": 3}
    assert (recipe.train.epochs, recipe.train.peak_lr, recipe.train.batch_size) == (3.0, 2e-4, 32)
    assert recipe.gate.model_extra == {"macro_f1": ">= 0.85"}


def test_the_short_and_the_long_form_of_a_part_are_the_same() -> None:
    short = toml.loads('task = "text-classification"\n[data]\nsource = "a"')
    long = toml.loads('[task]\nname = "text-classification"\n[data]\nsource = "a"')
    assert short == long
    assert 'task = "text-classification"' in toml.dumps(long)


def test_a_part_without_a_name_is_the_default_part() -> None:
    recipe = toml.loads('[task]\nmax_length = 64\n[data]\nsource = "a"')
    assert recipe.task == Part(name="text-classification", options={"max_length": 64})


def test_who_decided() -> None:
    recipe = toml.loads(TEXT, overrides=["train.seed=7"])
    assert set(recipe.decided.values()) == {"you"}
    assert {"base", "tuning.name", "tuning.layers", "train.peak_lr", "train.seed", "data.fields"} <= set(
        recipe.decided
    )
    assert "train.batch_size" not in recipe.decided
    assert set(recipe.decided) - {"train.seed"} == toml.you(TEXT)


def test_a_decided_table_is_believed_and_overrides_are_yours() -> None:
    text = TEXT + '[decided]\n"train.peak_lr" = "advice"\ntrain.dtype = "probe"\n'
    assert toml.loads(text).decided == {"train.peak_lr": "advice", "train.dtype": "probe"}
    assert toml.loads(text, overrides=["train.peak_lr=1e-3"]).decided["train.peak_lr"] == "you"


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("train.peak_lr=1e-4", "train", "peak_lr", 1e-4),
        ("train.epochs=2", "train", "epochs", 2.0),
        ("train.dtype=bfloat16", "train", "dtype", "bfloat16"),
        ('data.ignore={ D101 = "copies" }', "data", "ignore", {"D101": "copies"}),
        ('data.ignore.D101="they are meant"', "data", "ignore", {"D101": "they are meant"}),
        ("data.source=a=b.csv", "data", "source", "a=b.csv"),
        ("tuning=full", "tuning", "name", "full"),
        (" train.seed = 3 ", "train", "seed", 3),
    ],
)
def test_overrides(override: str, section: str, key: str, value: Any) -> None:
    assert getattr(getattr(toml.loads(TEXT, overrides=[override]), section), key) == value


def test_an_override_reaches_into_the_gate_and_fields() -> None:
    recipe = toml.loads(TEXT, overrides=["gate.macro_f1=>= 0.9", "data.fields.group=customer"])
    assert recipe.gate.model_extra == {"macro_f1": ">= 0.9"}
    assert recipe.data.fields["group"] == "customer"


@pytest.mark.parametrize(
    ("text", "line", "path", "nearest"),
    [
        ("[train]\nepohcs = 3", 3, "train.epohcs", "epochs"),
        ("[tuning]\nname = 'freeze'\nlayrs = 3", 4, "tuning.layrs", "layers"),
        ("[task]\nmax_lenght = 64", 3, "task.max_lenght", "max_length"),
        ("data.split.validaton = 0.1", 2, "data.split.validaton", "validation"),
        ("data.fields = {\"lable\" = 'x'}", 2, "data.fields.lable", "label"),
        ("[gate]\n\nmacro_f = '>= 0.8'", 4, "gate.macro_f", "macro_f1"),
        ("[trian]\nepochs = 3", 2, "trian", "train"),
    ],
)
def test_an_unknown_key_names_path_line_and_nearest_word(
    text: str, line: int, path: str, nearest: str
) -> None:
    error = refused(f'data.source = "a.csv"\n{text}\n')
    assert (error.code, error.found, error.where) == ("C101", f"unknown key '{path}'", f"my.toml:{line}")
    assert f'"{nearest}"' in error.fixes[0]


def test_a_key_of_another_tuning_names_that_tuning() -> None:
    error = refused('data.source = "a"\n[tuning]\nname = "full"\nlayers = 3\n')
    assert error.code == "C101"
    assert '[tuning] name = "freeze"' in error.fixes


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('epochs = "3"', "train.epochs"),
        ("epochs = 0", "train.epochs"),
        ("batch_size = 1.5", "train.batch_size"),
        ("batch_size = true", "train.batch_size"),
        ('dtype = "float16"', "train.dtype"),
        ("peak_lr = inf", "train.peak_lr"),
        ("peak_lr = nan", "train.peak_lr"),
        ("seed = 1979-05-27", "train.seed"),
        ("warmup = [0.1]", "train.warmup"),
    ],
)
def test_a_wrong_value_names_path_line_and_what_was_expected(line: str, path: str) -> None:
    error = refused(f'[data]\nsource = "a"\n\n[train]\n{line}\n')
    assert (error.code, error.where) == ("C102", "my.toml:5")
    assert error.found.startswith(f"{path} is ")


@pytest.mark.parametrize("bound", ['"0.85"', "0.85", '"> high"', '">= nan"', '"== 0.5"', '""'])
def test_a_gate_takes_bounds_only(bound: str) -> None:
    error = refused(f'data.source = "a"\n[gate]\nmacro_f1 = {bound}')
    assert (error.code, error.where) == ("C102", "my.toml:3")


@pytest.mark.parametrize(
    ("text", "code", "where"),
    [
        ('[data]\nsource = "a"\n[tuning]\nname = "lorra"', "C103", "my.toml:4"),
        ('tuning = "../../x"\ndata.source = "a"', "C103", "my.toml:1"),
        ("a = 1\nb = = 2", "C104", "my.toml:2"),
        ("a = 1\na = 2", "C104", "my.toml:2"),
        ("a = " + "[" * 5000, "C104", "my.toml"),
        ("", "C105", "my.toml"),
        ("[train]\nepochs = 1", "C105", "my.toml"),
        ("data = 3", "C102", "my.toml:1"),
        ("tuning = 3\ndata.source = 'a'", "C102", "my.toml:1"),
        ("[data]\nsource = 'a'\n[decided]\nbase = 'me'", "C102", "my.toml:4"),
    ],
)
def test_other_mistakes(text: str, code: str, where: str) -> None:
    error = refused(text)
    assert error.code == code
    assert error.where.startswith(where)


@pytest.mark.parametrize(
    ("override", "code"),
    [
        ("train.peak_lr", "C106"),
        ("=3", "C106"),
        ("a b=3", "C106"),
        ("gate.x=[1", "C106"),
        ("base.x=3", "C106"),
        ("train.peak_lr=fast", "C102"),
        ("train.epohcs=3", "C101"),
        ("seed=3", "C101"),
    ],
)
def test_a_wrong_override_is_told_like_a_wrong_line(override: str, code: str) -> None:
    error = refused(TEXT, override)
    assert error.code == code
    assert error.where.startswith("--set")


def test_an_override_sets_one_key_whatever_its_value_holds() -> None:
    recipe = toml.loads(TEXT, overrides=["base=1\nparent=2"])
    assert (recipe.base, recipe.parent) == ("1\nparent=2", "")


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "tickets.toml").write_text(TEXT)
    with pytest.raises(MissingError) as caught:
        toml.load(tmp_path / "tikets.toml")
    assert caught.value.code == "C107"
    assert caught.value.fixes == (str(tmp_path / "tickets.toml"),)
    assert toml.load(tmp_path / "tickets.toml") == toml.loads(TEXT)


def test_a_folder_and_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="C107"):
        toml.load(tmp_path)
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="C104"):
        toml.load(tmp_path / "x.toml")


def test_a_recipe_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", deny)
    with pytest.raises(AccessError, match="A402"):
        toml.load(tmp_path / "x.toml")


# ---- round trip -------------------------------------------------------------------------------------------------

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
shares = st.floats(0, 0.85)
parts = {
    "task": st.builds(
        Part,
        name=st.just("text-classification"),
        options=st.dictionaries(st.sampled_from(["max_length"]), st.integers(8, 500)),
    ),
    "approach": st.sampled_from([Part(name="tune"), Part(name="linear"), Part(name="majority")]),
    "tuning": st.sampled_from([Part(name="full"), Part(name="freeze", options={"layers": 1})]),
}
recipes = st.builds(
    Recipe,
    base=words,
    parent=words,
    data=st.builds(
        Data,
        source=words,
        fields=st.dictionaries(st.sampled_from(["text", "label", "group"]), words),
        test=words,
        split=st.builds(Split, validation=shares, test=shares),
        max_broken=st.floats(0, 1),
        ignore=st.dictionaries(st.sampled_from(["D101", "L205"]), words),
    ),
    train=st.builds(
        Train,
        epochs=st.floats(1e-3, 1e3),
        batch_size=st.integers(1, 10**9),
        peak_lr=st.none() | st.floats(1e-12, 1e3),
        dtype=st.sampled_from(["auto", "float32", "bfloat16"]),
        seed=st.integers(0, 2**62),
    ),
    gate=st.builds(Gate, not_worse_than=words, macro_f1=st.sampled_from([">= 0.85", "<= 1e-3", ">=0"])),
    serve=st.builds(Serve, target_error=st.none() | st.floats(0.01, 0.99)),
    decided=st.dictionaries(
        st.sampled_from(["base", "train.peak_lr", "train.dtype"]), st.sampled_from(["you", "advice", "probe"])
    ),
    **parts,
)


@given(recipes)
@settings(max_examples=150, deadline=None)
def test_what_is_written_loads_as_the_same_recipe(recipe: Recipe) -> None:
    assert toml.loads(toml.dumps(recipe)) == recipe


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_is_a_recipe_or_a_usage_error(text: str) -> None:
    for whole in (text, TEXT + text, f'[data]\nsource = "a"\n{text}'):
        try:
            assert isinstance(toml.loads(whole), Recipe)
        except UsageError as error:
            assert error.code.startswith("C10")


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_override_is_applied_or_a_usage_error(text: str) -> None:
    for override in (text, f"train.peak_lr={text}", f"data.source={text}", f"{text}=1"):
        try:
            assert isinstance(toml.loads(TEXT, overrides=[override]), Recipe)
        except UsageError as error:
            assert error.code.startswith("C10")
