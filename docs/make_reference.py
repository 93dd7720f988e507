"""Writes docs/reference from the code: `python docs/make_reference.py` (a test asserts that nothing would change)."""

from __future__ import annotations

import inspect
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

os.environ.pop("TUNESMITH_PLUGINS", None)  # the reference tells what is built in

import tunesmith
from tunesmith import catalog, errors, events, library
from tunesmith.data.contents import _translations
from tunesmith.http.server import Server
from tunesmith.lifecycle import desk
from tunesmith.lifecycle.results import ModelResult, Result
from tunesmith.model import Model
from tunesmith.parts import Prediction
from tunesmith.recipe import schema

FOLDER = Path(__file__).resolve().parent / "reference"
MADE = "<!-- Made from the code by docs/make_reference.py: change the code, then run it again. -->\n"
FAMILIES = {
    "A": "access to files",
    "B": "base models",
    "C": "commands and recipes",
    "D": "duplicates and leaks",
    "E": "parts and optional libraries",
    "F": "files",
    "G": "gates and comparisons",
    "I": "integrity of what is stored",
    "L": "labels",
    "M": "mapping of columns",
    "N": "names of models and runs",
    "P": "privacy",
    "Q": "quality of texts",
    "R": "running: room, interruption, training",
    "S": "sufficiency: enough rows",
    "T": "templates and tokens",
    "V": "serving",
    "W": "what leaves: exports",
    "X": "our own bugs",
}
KINDS = {
    "task": "Everything known about one kind of problem.",
    "approach": "How a model comes to be.",
    "tuning": "Which numbers may move.",
    "objective": "What is minimised, on which batches.",
    "regularizer": "What the weights are also asked, so that they keep what they knew.",
    "metric": "One score.",
    "content": "What a row holds, whatever its form ([forms](forms.md)).",
    "form": "One way in which files write a content ([forms](forms.md)).",
    "check": "One judgement of rows.",
    "reader": "One file format.",
    "augmentation": "One way to write a text anew.",
    "rule": "One judgement of a recipe.",
    "export": "One form in which a model leaves for other programs.",
}


def table(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines) + "\n"


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def _code(value: Any) -> str:
    return f"`{value}`" if str(value) else ""


# ---- the command line -------------------------------------------------------------------------------------------


def cli() -> str:
    """Every command with its arguments and options."""
    from tunesmith.cli.main import command

    exits: dict[int, list[str]] = {}
    for kind in _kinds(errors.TunesmithError):
        exits.setdefault(kind.exit_code, []).append(f"`{kind.__name__}`")
    numbers = [(number, ", ".join(names)) for number, names in sorted(exits.items())]
    about = (
        "# Command line\n\nData goes to standard output, messages to standard error. `--json` prints JSON; an error\n"
        "is then one JSON object on standard error. Nothing is asked unless standard input is a terminal.\n\n"
    )
    commands = "\n".join(_commands(command([]), "tunesmith"))
    codes = "## Exit codes\n\n0 means done. Other codes name the kind of error:\n\n" + table(
        ("code", "error"), numbers
    )
    return f"{about}{codes}\n{commands}"


def _kinds(kind: type[errors.TunesmithError]) -> Iterator[type[errors.TunesmithError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _kinds(child)


def _commands(command: Any, path: str) -> Iterator[str]:
    children: Mapping[str, Any] = getattr(command, "commands", {})
    if not children or path == "tunesmith":
        yield _command(command, path)
    for name, child in children.items():
        yield from _commands(child, f"{path} {name}")


def _command(command: Any, path: str) -> str:
    about, _, examples = inspect.cleandoc(command.help or "").replace("\b", "").partition("\n\n")
    shown = "\n".join(line for line in examples.splitlines() if line.startswith("tunesmith"))
    block = f"```text\n{shown}\n```\n\n" if shown else ""
    visible = [param for param in command.params if not getattr(param, "hidden", False)]
    arguments = " ".join(_metavar(param) for param in visible if param.param_type_name == "argument")
    rows = [_parameter(param) for param in visible if "--help" not in param.opts]
    usage = " ".join(filter(None, [path, arguments]))
    taken = table(("parameter", "default", "meaning"), rows) if rows else ""
    return f"## `{usage}`\n\n{' '.join(about.split())}\n\n{block}{taken}"


def _metavar(param: Any) -> str:
    name = param.metavar or param.name.upper()
    return name if param.required or name.startswith("[") else f"[{name}]"


def _parameter(param: Any) -> tuple[str, str, str]:
    if param.param_type_name == "argument":
        return _code(_metavar(param)), "", param.help or ""
    names = ", ".join([*param.opts, *param.secondary_opts])
    value = "" if param.is_flag or not param.metavar else f" {param.metavar}"
    meaning = param.help or ""
    if param.envvar and isinstance(param.envvar, str):
        meaning += f" Variable: `{param.envvar}`."
    default = (
        ""
        if param.default is None or param.default is False or param.default == "" or callable(param.default)
        else _code(param.default)
    )
    return _code(names + value), default, meaning


# ---- recipes, codes, parts --------------------------------------------------------------------------------------


def recipe() -> str:
    """Every key of a recipe."""
    rows = [(_code(path), kind, _default(value), meaning) for path, kind, value, meaning in schema.schema()]
    whole = [row for row in rows if "[" not in row[0]]
    own = [row for row in rows if "[" in row[0]]
    head = ("key", "type", "default", "meaning")
    return (
        "# Recipe\n\nA recipe is a TOML file. Unknown keys are errors that name the line and the nearest word. Any\n"
        'key can be given on the command line, as in `--set train.epochs=3`. `approach = "linear"` is short for\n'
        '`[approach]` with `name`. In `[gate]` a metric may carry a bound: `macro_f1 = ">= 0.85"`; the metrics are\n'
        f"listed in [parts](parts.md).\n\n{table(head, whole)}\n## Keys of parts\n\n"
        f"`tuning[lora].rank` is the key `rank` of `[tuning]` when its `name` is `lora`.\n\n{table(head, own)}"
    )


def _default(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, (Mapping, tuple)) and not value:
        return "empty"
    return _code(value)


def codes() -> str:
    """Every code, family by family."""
    pages = desk.explanations()
    lines = ["# Codes\n\n`tunesmith explain CODE` prints one of these on the command line.\n"]
    for family in sorted({code[0] for code in pages}):
        lines.append(f"## {family}: {FAMILIES[family]}\n")
        for code in sorted(code for code in pages if code[0] == family):
            page = pages[code]
            lines.append(f"### {code}\n\n**{page['title']}.** {page['why']}\n\n*Fix:* {page['fix']}\n")
    return "\n".join(lines)


def parts() -> str:
    """Every part by its kind, with its own keys."""
    lines = [
        "# Parts\n\nThe name of a part is the name of its file. [How to add one](../../CONTRIBUTING.md).\n"
    ]
    for kind in catalog.HOMES:
        found = catalog.parts(kind)
        lines.append(f"## {kind}\n\n{KINDS[kind]} Folder: `src/{catalog.HOMES[kind].replace('.', '/')}`.\n")
        rows = [(_code(name), catalog.summary(kind, name), _own(part)) for name, part in found.items()]
        lines.append(table(("name", "what it is", "keys"), rows) if rows else "None is built in.\n")
    return "\n".join(lines)


def _own(part: Any) -> str:
    return ", ".join(
        f"`{name}` = {info.get_default()}" for name, info in getattr(part, "model_fields", {}).items()
    )


def forms() -> str:
    """Every form with its keys and a row, under the content that it holds."""
    lines = [
        "# Forms\n\nA form says how the rows of a file are written; what they hold is their content. The form is\n"
        "found by its keys and by what the columns hold; `--form FORM` names it, `--field KEY=COLUMN` says which\n"
        "column is which key (`KEY=a,b,c` for several columns that are one key). Two forms of one content say the\n"
        "same: `tunesmith data convert` goes from one to the other, and from content to content where there is a way.\n"
    ]
    known = catalog.parts("form")
    for name, content in catalog.parts("content").items():
        goals = ", ".join(_code(goal) for goal in _translations.goals(name)[1:]) or "no other"
        lines.append(
            f"## Content `{name}`\n\n{catalog.summary('content', name)} {_doc(content)}\n\nCan become: {goals}.\n"
        )
        lines += [_form(each, part) for each, part in known.items() if part.content == name]
    return "\n".join(lines)


def _form(name: str, part: Any) -> str:
    keys = [
        (
            _code(key.name),
            "yes" if key.required else "",
            ", ".join(_code(w) for w in key.synonyms if w != key.name),
        )
        for key in part.keys
    ]
    rows = "\n".join(json.dumps(row, ensure_ascii=False) for row in part().samples())
    head = f"### Form `{name}`\n\n{catalog.summary('form', name)} {_doc(part)}\n"
    return f"{head}\n{table(('key', 'required', 'also called'), keys)}\n```json\n{rows}\n```\n"


# ---- Python, HTTP, events ---------------------------------------------------------------------------------------


def api() -> str:
    """The public names of `tunesmith`."""
    lines = [
        "# Python\n\n`import tunesmith` loads nothing heavy; libraries load when a function needs them.\n"
    ]
    for name in sorted(tunesmith.__all__):
        if callable(value := getattr(library, name, None)):
            lines.append(_function(f"tunesmith.{name}", value))
    for kind in (ModelResult, Result, Model, Prediction, Server, errors.TunesmithError):
        lines += _class(kind)
    return "\n".join(lines)


def _function(name: str, value: Callable[..., Any], level: str = "##") -> str:
    return (
        f"{level} `{name}`\n\n```text\n{_signature(name.rpartition('.')[2], value)}\n```\n\n{_doc(value)}\n"
    )


def _signature(name: str, value: Callable[..., Any]) -> str:
    signature = inspect.signature(value)
    given = [param for param in signature.parameters.values() if param.name != "self"]
    whole = _unquoted(str(signature.replace(parameters=given)))
    if len(whole) < 90:
        return f"{name}{whole}"
    shown, starred = [], False
    for param in given:
        starred = starred or param.kind is param.VAR_POSITIONAL
        if param.kind is param.KEYWORD_ONLY and not starred:
            shown, starred = [*shown, "    *,"], True
        shown.append(f"    {_unquoted(str(param))},")
    return "\n".join([f"{name}(", *shown, f"){whole.rpartition(')')[2]}"])


def _unquoted(signature: str) -> str:
    """Annotations without the quotes that postponed evaluation leaves around them."""
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", signature)


def _class(value: type[Any]) -> list[str]:
    name = value.__name__
    lines = [f"## `{value.__module__}.{name}`\n\n{_doc(value)}\n"]
    for key, member in inspect.getmembers_static(value):
        if key.startswith("_") or not any(key in vars(kind) for kind in _own_kinds(value)):
            continue
        if isinstance(member, property):
            lines.append(f"### `{name}.{key}`\n\n{_doc(member)}\n")
        elif inspect.isroutine(bound := getattr(value, key)):
            lines.append(_function(f"{name}.{key}", bound, "###"))
    return lines


def _own_kinds(value: type[Any]) -> list[type[Any]]:
    return [kind for kind in value.__mro__ if kind.__module__.startswith("tunesmith")]


def _doc(value: Any) -> str:
    return re.sub(r"[ \t]+", " ", inspect.getdoc(value) or "")


def http() -> str:
    """Routes and shapes of the server."""
    from fastapi import FastAPI

    from tunesmith.http import app as served

    described = FastAPI(title="tunesmith", version="1")
    served._add_routes(described)
    document = described.openapi()
    lines = [
        "# HTTP\n\nEvery error has the shape [ErrorResponse](#errorresponse). `/openapi.json` of a running server\n"
        "says the same for programs.\n"
    ]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            lines.append(_route(method.upper(), path, operation))
    lines.append("## Shapes\n")
    for name, shape in document["components"]["schemas"].items():
        lines.append(_shape(name, shape))
    return "\n".join(lines)


def _route(method: str, path: str, operation: Mapping[str, Any]) -> str:
    taken = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    given = operation["responses"]["200"].get("content", {})
    shape = next(
        (content.get("schema", {}) for kind, content in given.items() if kind == "application/json"), {}
    )
    shown = _kind(shape) if shape else ", ".join(given)
    refused = ", ".join(sorted(code for code in operation["responses"] if code != "200"))
    asked = f"Takes {_kind(taken)}. " if taken else ""
    return f"## `{method} {path}`\n\n{operation['description']}\n\n{asked}Answers {shown}. Refuses with: {refused}.\n"


def _kind(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if "const" in schema:
        return _code(repr(schema["const"]))
    if "enum" in schema:
        return ", ".join(_code(repr(each)) for each in schema["enum"])
    return schema.get("type", "any value")


def _shape(name: str, shape: Mapping[str, Any]) -> str:
    rows = [
        (
            _code(key),
            _kind(value),
            "yes" if key in shape.get("required", ()) else "",
            value.get("description", ""),
        )
        for key, value in shape.get("properties", {}).items()
    ]
    return f"### {name}\n\n{shape.get('description', '')}\n\n{table(('key', 'type', 'required', 'meaning'), rows)}"


def event_page() -> str:
    """The closed set of events."""
    lines = [
        "# Events\n\nLong verbs yield these; `events.jsonl` in the folder of a run keeps them (all but `progress`),\n"
        "one JSON object a line with the key `event`. The command line prints them on standard error.\n"
    ]
    for name, kind in events.KINDS.items():
        rows = [(_code(each.name), _code(each.type)) for each in fields(kind)]
        lines.append(f"## `{name}`\n\n{_doc(kind)}\n\n{table(('key', 'type'), rows)}")
    return "\n".join(lines)


PAGES: dict[str, Callable[[], str]] = {
    "cli": cli,
    "recipe": recipe,
    "codes": codes,
    "parts": parts,
    "forms": forms,
    "api": api,
    "http": http,
    "events": event_page,
}


def pages() -> dict[str, str]:
    """{file name: content} of the whole reference."""
    return {f"{name}.md": MADE + make().rstrip() + "\n" for name, make in PAGES.items()}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, content in pages().items():
        (FOLDER / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
