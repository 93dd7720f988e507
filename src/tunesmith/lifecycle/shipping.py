"""`export`: a model in a form that other programs read, proven before it leaves."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import secrets
import tomllib
from collections.abc import Generator, Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tunesmith import catalog, doors
from tunesmith.errors import IntegrityError, UsageError
from tunesmith.events import Event, Finished, Note, Saved, Stage
from tunesmith.home import home_folder
from tunesmith.lifecycle import agreeing, model_card, origins, serving
from tunesmith.lifecycle.agreeing import Agreement
from tunesmith.lifecycle.results import Result
from tunesmith.model import Model
from tunesmith.names import slug
from tunesmith.parts import Export, Origin
from tunesmith.recipe import schema
from tunesmith.serve import parity
from tunesmith.store import files

PARITY = "parity.json"


def export(
    ref: str,
    form: str,
    *,
    out: Path | str = "",
    overrides: Sequence[str] = (),
    home: Path | str | None = None,
    server: bool = True,
) -> Iterator[Event]:
    """Write a model as a folder in a form of `serve/exports`, read it again, compare: Finished(Result).

    out: a folder that is not there yet, by default 'NAME-FORM' here.  overrides: the form's own fields, as 'type=q8_0'.
    server: the bundle is served too, and asked for its golden rows.

    Raises UsageError C103 for an unknown form, C101 and C102 for wrong options, F039 where something is at `out`, W101
    to W106 where the model can't have the form; IntegrityError W110 where the export does not say what the model says.
    """
    part = _part(form, overrides)
    folder, name = origins.found(ref, home)
    goal = Path(out or f"{slug(name.partition('@')[0])}-{form}")
    _require_free(goal)
    origin = origins.origin(folder, name)
    _require_possible(part, form, origin)
    if part.library:
        doors.open(part.library)
    yield Stage("export", f"{name} as {form}, proven on its golden rows")
    staging = files.make_folder(goal.parent / f".{goal.name}.{secrets.token_hex(4)}.tmp")
    try:
        trained = agreeing.Trained(Model.load(origin.folder), origin)
        with _explained(origin):
            net = part.write(origin, trained.twin(), staging)  # writing may merge it
            found = _proven(part, origin, trained, net, staging)
        for each in found:
            yield Note(_line(each))
        _require(origin, found)
        if server:
            found.append((yield from _served(origin, trained.model, home)))
        _keep(staging, origin, form, part, found)
        digest = files.seal(staging)
        files.open_up(staging)
        files.move_folder(staging, goal)
    finally:
        files.remove(staging)
    yield Saved("export", str(goal), digest)
    yield Finished(Result(_values(origin, form, goal, digest, found)))


def _proven(
    part: Export, origin: Origin, trained: agreeing.Trained, net: Any, folder: Path
) -> list[Agreement]:
    """Every line of the proof but the server's."""
    found = [trained.itself()]
    for witness in part.witnesses(origin, net, folder):
        found += agreeing.agreements(trained, witness)
    if not any(each.n for each in found[1:]):
        raise parity.disagrees(["nothing in the golden rows can be compared"])
    return found


def _require(origin: Origin, found: Sequence[Agreement]) -> None:
    """Raise IntegrityError W110 where a line is wrong."""
    if wrong := [each for each in found if each.wrong]:
        raise _differs(origin, "; ".join(each.sentence() for each in wrong[:3]))


@contextlib.contextmanager
def _explained(origin: Origin) -> Iterator[None]:
    """A library that can't write or read what it is given says so in errors of many kinds, here in one."""
    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        ImportError,
        LookupError,
        RuntimeError,
        TypeError,
        ValueError,
    ) as odd:
        said = (str(odd).splitlines() or [""])[0][:200]
        raise _differs(origin, f"it can't be written and read again: {said or type(odd).__name__}") from odd


def _served(origin: Origin, model: Model, home: Path | str | None) -> Generator[Event, None, Agreement]:
    """The bundle behind a server of its own, asked as anyone would.  Raises IntegrityError W110."""
    process, address = serving.start(str(origin.folder), home_folder(home), 0)
    try:
        problems = parity.prove(address, model, token=os.environ.get(serving.TOKEN, ""))
    finally:
        serving.stop(process)
    said = agreeing.served(problems, len(model.golden()))
    yield Note(_line(said))
    _require(origin, [said])
    return said


def _line(each: Agreement) -> str:
    worst = "" if each.worst is None else f", worst {each.worst:.2g} of {each.allowed:.2g}"
    ties = f", {each.ties} part at a tie" if each.ties else ""
    return f"{each.n - each.wrong} of {each.n} {each.what} agree: {each.by}{worst}{ties}"


def _keep(folder: Path, origin: Origin, form: str, part: Export, found: Sequence[Agreement]) -> None:
    """The proof and the card beside the form's own files."""
    about = {"model": origin.name, "form": form, "options": part.model_dump(), "bundle": _digest(origin)}
    made = {"tunesmith": version("tunesmith"), "agreements": [each.to_json() for each in found]}
    files.write_json(folder / PARITY, about | made)
    files.write(folder / "README.md", model_card.text(origin, form, found).encode())


def _digest(origin: Origin) -> str:
    return files.sha256(origin.folder / files.MANIFEST)


def _values(origin: Origin, form: str, goal: Path, digest: str, found: Sequence[Agreement]) -> dict[str, Any]:
    held = sorted(path for path in goal.rglob("*") if path.is_file())
    return {
        "model": origin.name,
        "form": form,
        "out": str(goal),
        "sha256": digest,
        "files": [{"file": path.relative_to(goal).as_posix(), "bytes": path.stat().st_size} for path in held],
        "parity": [each.to_json() for each in found],
    }


# ---- refusals ----------------------------------------------------------------------------------------------------


def possible(origin: Origin) -> list[str]:
    """The forms that a model can have, as they are without options."""
    forms: Mapping[str, type[Export]] = catalog.parts("export")
    return [name for name, part in forms.items() if part().obstacle(origin) is None]


def _require_possible(part: Export, form: str, origin: Origin) -> None:
    obstacle = part.obstacle(origin)
    if obstacle is None:
        return
    others = [name for name in possible(origin) if name != form]
    raise UsageError(
        obstacle.code,
        f"{origin.name} can't be exported as {form}: {obstacle.found}",
        expected=obstacle.expected,
        fixes=tuple(f"tunesmith export {origin.name} {name}" for name in others),
        where=origin.name,
    )


def _require_free(goal: Path) -> None:
    if goal.exists():
        raise UsageError(
            "F039",
            f"{goal} is there already",
            expected="a name that is free: nothing is written over",
            fixes=(f"--out {goal.with_name(goal.name + '-2')}",),
            where=str(goal),
        )


def _part(form: str, overrides: Sequence[str]) -> Export:
    """The form with its options."""
    kind: type[Export] = catalog.part("export", form)
    try:
        return kind.model_validate_json(json.dumps(dict(map(_option, overrides))), strict=True)
    except ValidationError as mistakes:
        first = mistakes.errors()[0]
        key = ".".join(map(str, first["loc"]))
    legal = list(kind.model_fields)
    if first["type"] == "extra_forbidden":
        close = catalog.nearest(key, legal)
        raise UsageError(
            "C101",
            f"unknown key '{key}'",
            expected=f"one of: {', '.join(legal)}" if legal else f"no options: {form} has none",
            fixes=(f"--set {close}=VALUE",) if close else (),
            where=f"--set {key}",
        )
    raise UsageError(
        "C102",
        f"{key} is {first['input']!r}",
        expected=schema.wanted_of(kind, key) or first["msg"],
        fixes=(f"--set {key}=VALUE",),
        where=f"--set {key}",
    )


def _option(override: str) -> tuple[str, Any]:
    """'type=q8_0' as key and value; what is no TOML is a text."""
    key, sign, value = override.partition("=")
    if not (key.strip() and sign):
        raise UsageError(
            "C106",
            f"--set {override}: it is not KEY=VALUE",
            expected="--set KEY=VALUE with an option of the form",
            fixes=("--set type=q8_0",),
            where="--set",
        )
    with contextlib.suppress(tomllib.TOMLDecodeError):
        found = tomllib.loads(f"value = {value}")["value"]
        return key.strip(), str(found) if isinstance(found, datetime.date | datetime.time) else found
    return key.strip(), value


def _differs(origin: Origin, why: str) -> IntegrityError:
    return IntegrityError(
        "W110",
        f"the export of {origin.name} does not say what the model says: {why}",
        expected="the same tokens, and log-probabilities within what the form allows, on the golden rows",
        fixes=("tunesmith doctor", "export with the versions of the libraries that made the bundle"),
        where=origin.name,
    )
