"""From the address of a data set to its files: one file, a folder, a pattern, a table of a database, or a hub's id."""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tunesmith.data import hub
from tunesmith.data.formats import suffix_of, suffixes
from tunesmith.data.sides import SIDES, side_of
from tunesmith.errors import AccessError, MissingError
from tunesmith.inputs.streams import denied

_TEXT = (".txt", ".text")
_PATTERN = re.compile(r"[*?\[]")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]{1,20}):/{1,2}")
_PART = re.compile(r"[-_.]\d{1,9}([-_.]of[-_.]\d{1,9})?")
_NO_DATA = frozenset(
    ("readme.txt", "license.txt", "licence.txt", "dataset_infos.json", "dataset_info.json", "state.json")
)
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a source.

    path: where it is; of a database, with '#' and the table.  name: what it is called within the source, free of the
    folders outside; '' for a file that was named itself.  side: what its place says: 'train', 'validation', 'test' or
    ''.  label: the folder that names its class.  whole: the file is one document.
    """

    path: Path
    name: str = ""
    side: str = ""
    label: str = ""
    whole: bool = False

    @property
    def file(self) -> Path:
        """The file itself."""
        return self.path if "#" not in self.path.name or self.path.exists() else _without_table(self.path)


@dataclass(frozen=True, slots=True)
class Located:
    """The files of a source in order, those of its folder that are no part of it, and the address and commit that a
    hub's id stands for."""

    parts: tuple[Part, ...]
    left_out: tuple[str, ...] = ()
    origin: str = ""


def located(uri: str) -> Located:
    """The files that an address names.

    Raises MissingError F001 (no such file), F005 (a folder without data), F015 (an address of another kind), F016 (not
    in the hub's cache), F017 (no such configuration or split); AccessError F006.
    """
    if scheme := _SCHEME.match(uri):
        if scheme[1].lower() != "hf":
            raise _elsewhere(uri, scheme[1])
        return _of_hub(uri)
    path = Path(uri)
    mode = _mode(path)
    if mode is None:
        if "#" in path.name and _mode(_without_table(path)) is not None:
            return Located((Part(path),))
        return _of_pattern(path)
    if stat.S_ISDIR(mode):
        return _of_folder(path)
    if not stat.S_ISREG(mode):
        raise AccessError(
            "F006",
            f"{path.name} is no regular file",
            expected="a file on disk",
            fixes=(f"cat '{path}' > data.csv",),
            where=str(path),
        )
    return Located((Part(path),))


def _mode(path: Path) -> int | None:
    """What kind of thing stands there; None for nothing."""
    try:
        return path.stat().st_mode
    except PermissionError as refusal:
        raise denied(path, refusal) from None
    except (OSError, ValueError):
        return None


def _without_table(path: Path) -> Path:
    return path.with_name(path.name.rpartition("#")[0] or "#")


def _of_pattern(pattern: Path) -> Located:
    """The files that a pattern such as `data/*.csv` matches, named from its first wild step on."""
    steps = pattern.parts
    wild = next((k for k, step in enumerate(steps) if _PATTERN.search(step)), None)
    if wild is None:
        raise _missing(pattern)
    root = Path(*steps[:wild])
    found = [path for path in root.glob(str(Path(*steps[wild:]))) if path.is_file()]
    if not found:
        raise _missing(pattern)
    return _sided(_parts(root, found))


def _of_folder(root: Path) -> Located:
    return _sided(_readable(root))


def _sided(parts: Sequence[Part]) -> Located:
    """The files in the order of their sides.

    Beside files for validation or test alone, those without a side are for training; beside files for training they
    are no part of the data.  One side is none.
    """
    named = {part.side for part in parts} - {""}
    outside: tuple[str, ...] = ()
    if "train" in named:
        outside = tuple(part.name for part in parts if not part.side)
        parts = [part for part in parts if part.side]
    elif named:
        parts = [replace(part, side=part.side or "train") for part in parts]
    if len({part.side for part in parts}) == 1:
        parts = [replace(part, side="") for part in parts]
    order = ("", *SIDES)
    return Located(tuple(sorted(_documents(parts), key=lambda part: order.index(part.side))), outside)


def _readable(root: Path) -> list[Part]:
    known = suffixes()
    found = [path for path in _files(root) if suffix_of(path) in known]
    if not found:
        raise _folder(root)
    return _parts(root, found)


def _files(root: Path) -> list[Path]:
    """The files below a folder that may be data: none that is hidden, a page about the data, or very deep."""
    found = (path for depth in range(1, _DEEPEST + 1) for path in root.glob("/".join("*" * depth)))
    return [
        path
        for path in found
        if not any(step.startswith((".", "_")) for step in path.relative_to(root).parts)
        and path.name.lower() not in _NO_DATA
        and path.is_file()
    ]


def _parts(root: Path, found: Iterable[Path]) -> list[Part]:
    named = sorted((path.relative_to(root).as_posix(), path) for path in found)
    return [Part(path, name, _side(name)) for name, path in named]


def _side(name: str) -> str:
    """The side that a folder on the way to a file names, or else its own name: train, train-00000-of-00002, …"""
    *folders, last = name.lower().split("/")
    stem = _PART.sub("", last.partition(".")[0])
    return next(filter(None, map(side_of, [*folders, stem])), "")


def _documents(parts: Sequence[Part]) -> list[Part]:
    """Where all files are plain text, each is a document, and a folder around it (that is no side) names its class."""
    if len(parts) < 2 or any(suffix_of(part.path) not in _TEXT for part in parts):
        return list(parts)
    folders = [_class(part.name) for part in parts]
    classes = folders if all(folders) and len(set(folders)) > 1 else [""] * len(parts)
    if not any(classes) and any(part.side and "/" not in part.name for part in parts):
        return list(parts)  # train.txt and test.txt: many rows a file
    return [replace(part, label=label, whole=True) for part, label in zip(parts, classes, strict=True)]


def _class(name: str) -> str:
    folders = [step for step in name.split("/")[:-1] if not side_of(step)]
    return folders[-1] if len(folders) == 1 else ""


def _of_hub(uri: str) -> Located:
    wanted = hub.parse(uri)
    root, commit = hub.snapshot(wanted)
    below, patterns = hub.configuration(wanted, root)
    parts = _by_card(root, patterns) if patterns else _by_name(_readable(root / below))
    chosen = {name: found for name, found in parts.items() if wanted.split in ("", name, side_of(name))}
    if not any(chosen.values()):
        raise hub.no_such(wanted, "split", sorted(parts))
    found = _sided([part for each in chosen.values() for part in each])
    return replace(found, origin=f"hf://datasets/{wanted.repo}@{commit}")


def _by_card(root: Path, patterns: Mapping[str, Sequence[str]]) -> dict[str, list[Part]]:
    """The files of each split as the data set's card lists them."""
    parts = {
        split: _parts(root, {path for each in globs for path in root.glob(each) if path.is_file()})
        for split, globs in patterns.items()
    }
    return {split: [replace(part, side=side_of(split)) for part in found] for split, found in parts.items()}


def _by_name(parts: Iterable[Part]) -> dict[str, list[Part]]:
    """The files of each split, which is a side or the start of a file's name."""
    found: dict[str, list[Part]] = {}
    for part in parts:
        split = part.side or _PART.sub("", part.path.name.partition(".")[0])
        found.setdefault(split, []).append(part)
    return found


def _missing(path: Path) -> MissingError:
    folder = path.parent if path.parent.is_dir() else Path()
    near = difflib.get_close_matches(path.name, [entry.name for entry in folder.iterdir()], n=3, cutoff=0.5)
    what = "no file matches" if _PATTERN.search(str(path)) else "there is no file"
    return MissingError(
        "F001",
        f"{what} '{path}'",
        expected="a file; near it: " + ", ".join(near) if near else "a file that is there",
        fixes=tuple(f"ls '{folder / name}'" for name in near[:1]) or (f"ls '{folder}'",),
        where=str(path),
        meant=(str(path), str(folder / near[0])) if near else None,
    )


def _folder(path: Path) -> MissingError:
    return MissingError(
        "F005",
        f"'{path}' is a folder without a file that can be read",
        expected=f"files of one of these kinds: {', '.join(sorted(suffixes()))}",
        fixes=(f"ls '{path}'", "tunesmith up FOLDER/FILE"),
        where=str(path),
    )


def _elsewhere(uri: str, scheme: str) -> MissingError:
    fetch = {"s3": "aws s3 cp", "gs": "gcloud storage cp"}.get(scheme.lower(), "curl -LO")
    return MissingError(
        "F015",
        f"'{scheme}://' addresses can't be read",
        expected="a file or folder on this machine, or hf://datasets/ORG/NAME that was downloaded",
        fixes=(f"{fetch} '{uri}'" + (" ." if fetch != "curl -LO" else ""),),
        where=uri,
    )
