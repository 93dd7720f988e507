"""Names and stages of model versions: an append-only journal says which bundle a name means.

home/registry.jsonl          the truth: one line for each registration, promotion and roll-back
home/models/3f/3fa2…/        the bundles, by content; no name is ever part of a path
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunesmith.errors import GateError, IntegrityError, MissingError
from tunesmith.names import ModelVersion, check_name, no_name, no_version, slug
from tunesmith.store import files

__all__ = ["ModelVersion", "Registry", "slug"]
PRODUCTION = "production"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Registry:
    """The registry of one home.  Safe for many processes: every change is made under a lock."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._journal, self._bundles = home / "registry.jsonl", home / "models"

    # ---- reading -----------------------------------------------------------------------------------------

    def models(self) -> list[ModelVersion]:
        """Every version, by name and number."""
        self._mend()
        return self._known()

    def _known(self) -> list[ModelVersion]:
        versions, stacks = self._replay()
        live = {(name, stack[-1]) for name, stack in stacks.items() if stack}
        staged = (
            replace(v, stage=PRODUCTION) if (v.name, v.number) in live else v for v in versions.values()
        )
        return sorted(staged, key=lambda version: (version.name, version.number))

    def find(self, ref: str) -> ModelVersion:
        """'tickets' (production if there is one, else the newest), 'tickets@3', '@production' or '@latest'.

        Raises MissingError N501 (no such name) or N502 (no such version of it).
        """
        self._mend()
        return self._find(ref)

    def _find(self, ref: str) -> ModelVersion:
        name, _, wanted = ref.partition("@")
        own = [version for version in self._known() if version.name == name]
        if not own:
            raise no_name(name, sorted({version.name for version in self._known()}))
        live = [version for version in own if version.stage]
        if wanted in {"", "latest"}:
            return (live if live and not wanted else own)[-1]
        matches = live if wanted == PRODUCTION else [v for v in own if str(v.number) == wanted]
        if not matches:
            raise no_version(name, wanted, own)
        return matches[0]

    def history(self, name: str) -> list[dict[str, Any]]:
        """What happened to a name, oldest first: [{do (register, promote, rollback), number, at}]."""
        self.find(f"{name}@latest")
        keys = ("do", "number", "at")
        return [{key: entry[key] for key in keys} for entry in self._entries() if entry["name"] == name]

    def _mend(self) -> None:
        """Rebuild a lost journal; looked at again under the lock: a first registration may be under way."""
        if not self._journal.exists() and any(self._bundles.glob("*/*")):
            with self._locked():
                if not self._journal.exists():
                    self._rebuild()

    def _entries(self) -> Iterator[dict[str, Any]]:
        for entry in files.read_log(self._journal):
            if isinstance(entry, dict) and {"do", "name", "number", "at"} <= set(entry):
                yield entry

    def _replay(self) -> tuple[dict[tuple[str, int], ModelVersion], dict[str, list[int]]]:
        """All versions, and for each name the stack of numbers that were in production (the last one is)."""
        versions: dict[tuple[str, int], ModelVersion] = {}
        stacks: dict[str, list[int]] = {}
        for entry in self._entries():
            name, number = entry["name"], entry["number"]
            if entry["do"] == "register":
                versions[name, number] = self._version(entry)
            elif entry["do"] == "promote":
                stacks.setdefault(name, []).append(number)
            elif stacks.get(name):
                stacks[name].pop()
        return versions, stacks

    def _version(self, entry: Mapping[str, Any]) -> ModelVersion:
        digest = entry["digest"]
        folder = self._folder(digest)
        return ModelVersion(
            entry["name"], entry["number"], digest, folder, "", entry["created"], entry["lineage"]
        )

    def _folder(self, digest: str) -> Path:
        return self._bundles / digest[:2] / digest

    # ---- writing -----------------------------------------------------------------------------------------

    def register(self, bundle: Path, name: str, digest: str, lineage: Mapping[str, Any]) -> ModelVersion:
        """Move a sealed bundle to its place and give it the next number of a name.

        The same bundle under the same name is the same version.  bundle: a folder on the home's disk, gone
        afterwards.  Raises UsageError C108 (name), IntegrityError I302 (not what the digest says).
        """
        check_name(name)
        files.verify(bundle, digest)
        self._mend()
        with self._locked():
            self._place(bundle, digest)
            return self._enter(name, digest, lineage)

    def _place(self, bundle: Path, digest: str) -> None:
        goal = self._folder(digest)
        if goal.exists():
            try:
                files.verify(goal, digest)
            except IntegrityError:
                files.set_aside(goal, "damaged")
        files.move_folder(bundle, goal)

    def _enter(self, name: str, digest: str, lineage: Mapping[str, Any]) -> ModelVersion:
        own = [version for version in self._replay()[0].values() if version.name == name]
        known = next((version for version in own if version.digest == digest), None)
        if known:
            return self._find(known.ref)
        number = max((version.number for version in own), default=0) + 1
        created = str(lineage.get("created") or _now())
        entry = {"do": "register", "name": name, "number": number, "at": _now()}
        entry |= {"digest": digest, "created": created, "lineage": dict(lineage)}
        files.append(self._journal, entry)
        return self._version(entry)

    def promote(self, ref: str) -> ModelVersion:
        """Put a version into production.  Raises GateError N506 when it failed its gate."""
        self._mend()
        with self._locked():
            version = self._find(ref)
            _gate_passed(version)
            if not version.stage:
                self._note("promote", version)
        return replace(version, stage=PRODUCTION)

    def rollback(self, name: str) -> ModelVersion:
        """Put back the version that was in production before.  Raises MissingError N507 if none."""
        self._mend()
        with self._locked():
            self._find(f"{name}@latest")
            stack = self._replay()[1].get(name, [])
            if len(stack) < 2:
                raise MissingError(
                    "N507",
                    f"'{name}' has no earlier production version",
                    expected="a name of which two versions were promoted, one after the other",
                    fixes=(f"tunesmith models show {name}", f"tunesmith models promote {name}@NUMBER"),
                    where=name,
                )
            version = self._find(f"{name}@{stack[-2]}")
            self._note("rollback", version)
        return replace(version, stage=PRODUCTION)

    def rebuild(self) -> list[ModelVersion]:
        """Write the journal anew from the whole bundles on disk, oldest first; stages are lost.

        A journal that is there is set aside, never deleted.  Damaged bundles are left out.
        """
        with self._locked():
            self._rebuild()
        return self.models()

    def _rebuild(self) -> None:
        if self._journal.exists():
            files.set_aside(self._journal, "replaced")
        for created, digest, name, lineage in sorted(self._whole_bundles(), key=lambda found: found[:2]):
            self._enter(name, digest, {"created": created, **lineage})

    def _whole_bundles(self) -> list[tuple[str, str, str, dict[str, Any]]]:
        found = []
        for folder in self._bundles.glob("*/*"):
            if _DIGEST.fullmatch(folder.name):
                with suppress(IntegrityError, OSError):
                    files.verify(folder, folder.name)
                    name = slug(str(files.read_json(folder / "bundle.json").get("name", "")))
                    lineage = files.read_json(folder / "lineage.json")
                    found.append((str(lineage.get("created", "")), folder.name, name, lineage))
        return found

    def _note(self, deed: str, version: ModelVersion) -> None:
        entry = {"do": deed, "name": version.name, "number": version.number, "at": _now()}
        files.append(self._journal, entry)

    def _locked(self) -> AbstractContextManager[None]:
        return files.lock(self._home / "registry.lock")


def _gate_passed(version: ModelVersion) -> None:
    gate = files.read_json(version.folder / "evaluation.json").get("gate") or {}
    if gate.get("passed", True):
        return
    reasons = [found["message"] for found in gate.get("findings", ()) if found["severity"] == "error"]
    raise GateError(
        "N506",
        ": ".join([f"{version.ref} did not pass its gate", *filter(None, ["; ".join(reasons)])]),
        expected="a version whose evaluation passed the [gate] of its recipe",
        fixes=(f"tunesmith models show {version.ref}", "change [gate] in the recipe and train again"),
        where=str(version.folder / "evaluation.json"),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
