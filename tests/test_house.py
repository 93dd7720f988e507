"""The rules of the house: floors of the import graph, what no module may do, a page for every code, a light --help."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import grimp
import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "tunesmith"
BESIDE, WORDS, GROUND, LEAVES, STAGES, APPROACHES, LIFECYCLE, FACES = range(-1, 7)
# the longest prefix names a module's floor; a module imports its own floor and those below
FLOORS = {
    "nn": BESIDE,
    **dict.fromkeys(
        ("errors", "findings", "fields", "section", "events", "outcomes", "parts", "doors"), WORDS
    ),
    **dict.fromkeys(
        ("recipe", "store", "catalog", "bases", "endpoints", "model", "names", "machine", "home"), GROUND
    ),
    **dict.fromkeys(
        ("tasks", "inputs", "train.order", "train.references", "data.readers", "data.checks", "recipe.rules"),
        LEAVES,
    ),
    "explanations": GROUND,
    **dict.fromkeys(("data.contents", "data.forms", "data.augmentations", "serve.exports"), LEAVES),
    **dict.fromkeys(("train.tuning", "train.objectives", "train.regularizers", "evaluate.metrics"), LEAVES),
    **dict.fromkeys(("data", "train", "evaluate", "serve", "advise", "gate", "registry"), STAGES),
    "approaches": APPROACHES,
    "lifecycle": LIFECYCLE,
    **dict.fromkeys(("cli", "http", "studio", "library", "datasets", "__main__", ""), FACES),
}
HEAVY = ("numpy", "torch", "sklearn", "fastapi", "polars", "pydantic", "transformers", "scipy", "pyarrow")
CODE = re.compile(r"[A-Z]\d{3}")


def unit(module: str) -> str:
    """The row of the table that names a module's floor."""
    steps = module.split(".")[1:]
    prefixes = [".".join(steps[:count]) for count in range(len(steps), 0, -1)] or [""]
    return next((prefix for prefix in prefixes if prefix in FLOORS), "?")


@cache
def imports() -> list[tuple[str, str]]:
    graph = grimp.build_graph("tunesmith", exclude_type_checking_imports=True, cache_dir=None)
    return [
        (one, two) for one in sorted(graph.modules) for two in graph.find_modules_directly_imported_by(one)
    ]


def allowed(one: str, two: str) -> bool:
    here, there = unit(one), unit(two)
    if FLOORS[here] == BESIDE:
        return there == "nn"
    if FLOORS[here] == STAGES == FLOORS[there]:
        return here == there
    return FLOORS[there] <= FLOORS[here]


def test_every_module_has_a_floor() -> None:
    lost = {module for pair in imports() for module in pair if unit(module) == "?"}
    assert not lost, "add these to FLOORS"
    assert len(imports()) > 50


def test_modules_import_lower_floors_only() -> None:
    wrong = [
        f"{one} imports {two}"
        for one, two in imports()
        if "?" not in (unit(one), unit(two))
        if not allowed(one, two)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("one", "two", "fine"),
    [
        ("tunesmith.errors", "tunesmith.store.files", False),
        ("tunesmith.tasks.x", "tunesmith.inputs.text", True),
        ("tunesmith.data.checks.x", "tunesmith.data.version", False),
        ("tunesmith.train.loop", "tunesmith.evaluate.measure", False),
        ("tunesmith.train.loop", "tunesmith.train.tuning.full", True),
        ("tunesmith.approaches.tune", "tunesmith.train.loop", True),
        ("tunesmith.nn.encoder", "tunesmith.errors", False),
        ("tunesmith.lifecycle", "tunesmith.cli.main", False),
        ("tunesmith.cli.main", "tunesmith.lifecycle", True),
    ],
)
def test_the_floor_rule_itself(one: str, two: str, fine: bool) -> None:
    assert allowed(one, two) is fine


# ---- what no module may do ------------------------------------------------------------------------------------

BANNED_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"}
BANNED_CALLS = {
    "eval",
    "exec",
    "torch.load",
    "torch.save",
    "yaml.load",
    "joblib.load",
    "joblib.dump",
    "os.system",
}
BANNED_METHODS = {"extractall"}
BANNED_FLAGS = {"shell": True, "allow_pickle": True, "trust_remote_code": True, "weights_only": False}
WRITERS = {"write_text", "write_bytes"}
WRITE_CALLS = {
    "os.replace",
    "os.rename",
    "os.remove",
    "os.unlink",
    "shutil.rmtree",
    "shutil.move",
    "shutil.copytree",
}


def sources() -> list[Path]:
    found = sorted(SOURCE.rglob("*.py"))
    assert found
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def breaches(module: ast.Module, *, may_write: bool) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
            )
            yield from (
                f"{node.lineno}: import {name}" for name in names if name.split(".")[0] in BANNED_IMPORTS
            )
        elif isinstance(node, ast.Call):
            yield from (f"{node.lineno}: {what}" for what in call_breaches(node, may_write))


def call_breaches(call: ast.Call, may_write: bool) -> Iterator[str]:
    name = dotted(call.func)
    method = name.rpartition(".")[2]
    if name in BANNED_CALLS or method in BANNED_METHODS:
        yield f"calls {name}"
    for keyword in call.keywords:
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if keyword.arg in BANNED_FLAGS and value is BANNED_FLAGS[keyword.arg]:
            yield f"{name}({keyword.arg}={value})"
    if not may_write and (method in WRITERS or name in WRITE_CALLS or opens_for_writing(call, method)):
        yield f"writes by {name}"


def opens_for_writing(call: ast.Call, method: str) -> bool:
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    modes = [arg.value for arg in given if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return method == "open" and any(
        re.fullmatch(r"[rwxabt+]{1,4}", mode) and set(mode) & set("wxa+") for mode in modes
    )


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_module_does_what_is_banned(path: Path) -> None:
    may_write = path == SOURCE / "store" / "files.py"
    assert not list(breaches(tree(path), may_write=may_write))


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from pickle import loads",
        "torch.load(x)",
        "yaml.load(x)",
        "eval('1')",
        "subprocess.run(x, shell=True)",
        "np.load(x, allow_pickle=True)",
        "archive.extractall('.')",
        "Model.from_pretrained(x, trust_remote_code=True)",
        "open(x, 'w')",
        "path.open('ab+')",
        "path.open(mode='wb')",
        "path.write_text('x')",
        "os.replace(a, b)",
    ],
)
def test_the_ban_itself_sees(line: str) -> None:
    assert list(breaches(ast.parse(line), may_write=False))


@pytest.mark.parametrize("line", ["open(x)", "path.open('rb')", "doors.open('torch')", "a.replace('b', 'c')"])
def test_the_ban_itself_lets_pass(line: str) -> None:
    assert not list(breaches(ast.parse(line), may_write=False))


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_every_module_says_what_it_is_in_one_sentence(path: Path) -> None:
    if not path.read_text("utf-8").strip():
        return
    first = (ast.get_docstring(tree(path)) or "").partition("\n")[0]
    assert path.read_text("utf-8").startswith('"""')
    assert first.rstrip().endswith((".", ":", "?")), "line one is a whole sentence: listings show it"


# ---- codes and their pages --------------------------------------------------------------------------------------


def pages() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for path in sorted((SOURCE / "explanations").glob("*.toml")):
        for code, page in tomllib.loads(path.read_text("utf-8")).items():
            assert code[0] == path.stem[0] and code not in found, f"{code} stands in {path.name}"
            found[code] = page
    return found


def codes() -> dict[str, str]:
    """Every code that stands in the source as a text of its own, and one file in which it does."""
    return {
        node.value: path.name
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    }


def test_every_code_has_a_page() -> None:
    lacking = {code: file for code, file in codes().items() if code not in pages()}
    assert not lacking


def test_every_page_has_a_code_that_is_used() -> None:
    assert not set(pages()) - set(codes())


def test_every_page_is_complete() -> None:
    for code, page in pages().items():
        assert set(page) == {"title", "why", "fix"}, code
        assert all(len(text.strip()) > 3 for text in page.values()), code


# ---- the environment --------------------------------------------------------------------------------------------


def test_what_must_not_be_installed_is_not() -> None:
    installed = {(dist.metadata["Name"] or "").lower() for dist in distributions()}
    assert "numpy" in installed
    wrong = {
        name
        for name in installed
        if name in {"torchvision", "torchaudio", "triton"} or name.startswith("nvidia-")
    }
    assert not wrong


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['tunesmith', '--help']\n"
        "from tunesmith.__main__ import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('LOADED', *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "LOADED"
