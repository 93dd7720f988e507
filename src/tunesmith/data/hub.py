"""Data sets of the Hugging Face hub by their id, from its local cache only: nothing is downloaded here."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunesmith import doors
from tunesmith.catalog import nearest
from tunesmith.errors import MissingError

_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}"
_ADDRESS = re.compile(
    rf"hf:/{{1,2}}datasets/(?P<repo>{_WORD}/{_WORD})(@(?P<rev>refs/(?:pr/\d{{1,9}}|convert/parquet)|[\w.-]{{1,100}}))?"
    rf"(:(?P<config>{_WORD}))?(/(?P<split>[A-Za-z][\w.-]{{0,40}}))?"
)
_CARD = 1 << 20
_FRONT = re.compile(r"---[ \t]*\r?\n(.*?)\n---", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A parsed `hf://datasets/ORG/NAME[@REV][:CONFIG][/SPLIT]`."""

    uri: str
    repo: str
    revision: str = ""
    config: str = ""
    split: str = ""


def parse(uri: str) -> Wanted:
    """The parts of an address.  Raises MissingError F017 where it is none."""
    found = _ADDRESS.fullmatch(uri)
    if found is None:
        raise MissingError(
            "F017",
            f"'{uri}' is no data set of the hub",
            expected="hf://datasets/ORG/NAME, then @REVISION, :CONFIGURATION and /SPLIT as wanted",
            fixes=("tunesmith data check hf://datasets/ORG/NAME",),
            where=uri,
        )
    return Wanted(uri, found["repo"], found["rev"] or "", found["config"] or "", found["split"] or "")


def snapshot(wanted: Wanted) -> tuple[Path, str]:
    """(folder in the cache, commit).  Raises MissingError F016 where it was not downloaded."""
    library = doors.open("huggingface_hub")
    errors = doors.open("huggingface_hub.errors")
    try:
        folder = library.snapshot_download(
            wanted.repo,
            repo_type="dataset",
            revision=wanted.revision or None,
            cache_dir=os.environ.get("HF_HUB_CACHE") or None,
            local_files_only=True,
        )
    except (errors.LocalEntryNotFoundError, errors.HFValidationError, OSError):
        revision = f" --revision {wanted.revision}" if wanted.revision else ""
        raise MissingError(
            "F016",
            f"{wanted.repo} is not in the hub's cache on this machine",
            expected="a data set that was downloaded",
            fixes=(f"hf download {wanted.repo} --repo-type dataset{revision}",),
            where=wanted.uri,
        ) from None
    return Path(folder), Path(folder).name


def configuration(wanted: Wanted, root: Path) -> tuple[str, dict[str, list[str]]]:
    """(folder of the configuration below the root, {split: patterns of its files} as the card says).

    Raises MissingError F017 where there is no such configuration, or several and none is named.
    """
    listed = {str(each.get("config_name", "default")): each for each in _card(root)}
    folders = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not wanted.config:
        if len(listed) > 1 and "default" not in listed:
            raise no_such(wanted, "configuration", sorted(listed))
        chosen = listed.get("default") or next(iter(listed.values()), {})
        return "", _patterns(chosen)
    if wanted.config in listed:
        return "", _patterns(listed[wanted.config])
    if wanted.config in folders:
        return wanted.config, {}
    raise no_such(wanted, "configuration", sorted(listed) or folders)


def no_such(wanted: Wanted, what: str, there: Sequence[str]) -> MissingError:
    """F017 for a configuration or split that the data set lacks, or that has to be chosen."""
    name = wanted.config if what == "configuration" else wanted.split
    close = nearest(name, list(there)) if name else ""
    base = f"hf://datasets/{wanted.repo}" + (f"@{wanted.revision}" if wanted.revision else "")
    if what == "split":
        base += f":{wanted.config}" if wanted.config else ""
    sign = ":" if what == "configuration" else "/"
    return MissingError(
        "F017",
        f"{wanted.repo} has no {what} '{name}'" if name else f"{wanted.repo} has {len(there)} {what}s",
        expected=f"one of: {', '.join(there)}" if there else f"no {what}",
        fixes=tuple(f"tunesmith data check {base}{sign}{each}" for each in ([close] if close else there[:3]))
        or (f"tunesmith data check {base}",),
        where=wanted.uri,
    )


def _card(root: Path) -> list[Mapping[str, Any]]:
    """The configurations that the data set's card lists."""
    path = root / "README.md"
    if not path.is_file() or path.stat().st_size > _CARD:
        return []
    front = _FRONT.match(path.read_text("utf-8", "replace"))
    yaml = doors.open("yaml")
    try:
        listed = (yaml.safe_load(front[1]) or {}).get("configs", []) if front else []
    except (yaml.YAMLError, AttributeError):
        return []
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list) else []


def _patterns(config: Mapping[str, Any]) -> dict[str, list[str]]:
    """{split: patterns}; a path that leads out of the data set is left out."""
    given = config.get("data_files", [])
    entries = given if isinstance(given, list) else [{"split": "train", "path": given}]
    found: dict[str, list[str]] = {}
    for each in entries:
        entry = each if isinstance(each, Mapping) else {"split": "train", "path": each}
        paths = entry.get("path", [])
        for path in paths if isinstance(paths, list) else [paths]:
            if isinstance(path, str) and path and not path.startswith("/") and ".." not in path.split("/"):
                found.setdefault(str(entry.get("split", "train")), []).append(path)
    return found
