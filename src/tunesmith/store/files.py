"""The only module that writes files: whole or not at all, durable, named by content, checked by manifest.

Every write goes to a temporary file beside its goal, is fsynced, renamed, and its folder is fsynced: after a crash
or a power cut the goal is either the old or the new whole.  Logs grow by `append`; a torn last line is ignored.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tunesmith.errors import AccessError, CapacityError, IntegrityError, TunesmithError

MANIFEST = "manifest.json"
_CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DENIED = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into an error with a code (R601 no room, A401 not allowed)."""
    try:
        yield
    except OSError as refusal:
        raise _refused(path, refusal) from refusal


def _refused(path: Path, refusal: OSError) -> TunesmithError:
    if refusal.errno in _FULL:
        free = free_bytes(path) / 1e6
        return CapacityError(
            "R601",
            f"no room to write {path.name} ({free:.0f} MB free)",
            expected="free disk space; what was complete before is untouched",
            fixes=(f"df -h {path.parent}", "tunesmith … --home DIR   (a folder on another disk)"),
            where=str(path),
        )
    if refusal.errno in _DENIED or isinstance(
        refusal, (FileExistsError, NotADirectoryError, IsADirectoryError)
    ):
        return AccessError(
            "A401",
            f"can't write {path.name}: {refusal.strerror or refusal}",
            expected="a folder in which you may write",
            fixes=("tunesmith … --home DIR   (a folder of yours)", f"ls -ld {path.parent}"),
            where=str(path),
        )
    return CapacityError(
        "R602",
        f"writing {path.name} failed: {refusal.strerror or refusal}",
        expected="a disk that takes writes; what was complete before is untouched",
        fixes=(f"df -h {path.parent}",),
        where=str(path),
    )


def free_bytes(path: Path) -> int:
    """Free bytes of the disk that holds `path` or its nearest existing parent."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def make_folder(path: Path) -> Path:
    """Create a folder (and its parents) that only the user may read, durably; return it."""
    new = []
    with explained(path):
        for folder in (path, *path.parents):
            if folder.exists():
                break
            new.append(folder)
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in new:
            _sync_folder(folder.parent)
    return path


def open_up(folder: Path) -> None:
    """Give a folder and all in it the modes that the user's umask leaves: it is to be handed on, unlike the home's."""
    mask = os.umask(0o077)
    os.umask(mask)
    with explained(folder):
        for path in (folder, *folder.rglob("*")):
            path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write(path: Path, content: bytes | Iterable[bytes], *, private: bool = False) -> str:
    """Write a file atomically and durably; return its SHA-256.  Parents are made.  private: only its user may read it.

    Raises CapacityError (R601, R602) or AccessError (A401); the file that stood there before then stands there still.
    """
    chunks = (content,) if isinstance(content, bytes) else content

    def fill(temporary: Path) -> None:
        if private:
            temporary.touch(mode=0o600)
        with temporary.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)

    return write_with(path, fill)


def write_with(path: Path, fill: Callable[[Path], object]) -> str:
    """As `write`, for libraries that insist on writing a file themselves: `fill(temporary)` makes the content."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with explained(path):
            fill(temporary)
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            digest = sha256(temporary)
            temporary.replace(path)
            _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):  # a leftover is harmless; what failed before it is what counts
            temporary.unlink(missing_ok=True)
    return digest


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Callable[[bytes], object]]:
    """As `write`, piece by piece: the file stands, whole and durable, when the block ends without an error."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with explained(path), temporary.open("wb") as file:
            yield file.write
            file.flush()
            os.fsync(file.fileno())
        with explained(path):
            temporary.replace(path)
            _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def copy(source: Path, goal: Path) -> str:
    """Copy a file atomically and durably; return its SHA-256."""
    return write_with(goal, lambda temporary: shutil.copyfile(source, temporary))


def write_json(path: Path, value: Any) -> str:
    """Write canonical JSON (sorted keys, UTF-8, no NaN) atomically; return its SHA-256."""
    return write(path, canonical_json(value))


def canonical_json(value: Any) -> bytes:
    """The one JSON form whose bytes are hashed: sorted keys, no NaN or infinity (they become null)."""
    return (json.dumps(_finite(value), sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode(
        "utf-8", "backslashreplace"
    )


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_finite(item) for item in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return value


def read_json(path: Path) -> Any:
    """Read JSON that tunesmith wrote.  Raises IntegrityError I301 where it is not JSON, FileNotFoundError if absent."""
    try:
        return json.loads(path.read_bytes())
    except ValueError as damage:
        raise IntegrityError(
            "I301",
            f"{path.name} is damaged: {damage}",
            expected="the JSON that tunesmith wrote",
            where=str(path),
        ) from None


def append(path: Path, *values: Any) -> None:
    """Append JSON lines to a log, durably; a reader ignores a torn last line.

    A torn tail left by a crash is closed with a newline first, so that it never swallows the next line.
    """
    make_folder(path.parent)
    lines = b"".join(
        json.dumps(_finite(v), ensure_ascii=True, sort_keys=True).encode() + b"\n" for v in values
    )
    with explained(path), path.open("ab+") as file:
        if file.tell() and not _ends_with_newline(file.fileno(), file.tell()):
            lines = b"\n" + lines
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())


def _ends_with_newline(handle: int, size: int) -> bool:
    return os.pread(handle, 1, size - 1) == b"\n"


def read_log(path: Path) -> Iterator[Any]:
    """The values of a log, in order; lines that are not whole JSON are passed over.  An absent log is empty."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            with contextlib.suppress(ValueError):
                yield json.loads(line)


def sha256(path: Path) -> str:
    """SHA-256 of a file, read in chunks of 1 MiB."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(folder: Path) -> str:
    """Write the manifest of a folder (size and SHA-256 of every file in it); return the folder's own digest."""
    entries = {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256(path)}
        for path in _files(folder)
    }
    return write_json(folder / MANIFEST, {"files": entries})


def _files(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".tmp"))
    return sorted(path for path in found if path != folder / MANIFEST)


def verify(folder: Path, digest: str = "") -> str:
    """Check every file of a sealed folder against its manifest before a byte of it is used; return the digest.

    digest: what the manifest itself must hash to, where that is known.  Raises IntegrityError I302 naming the file.
    """
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise _damaged(folder, MANIFEST, "is missing")
    own = sha256(manifest)
    if digest and own != digest:
        raise _damaged(folder, MANIFEST, "is not the one that was registered")
    try:
        entries = dict(read_json(manifest)["files"])
    except (KeyError, TypeError, ValueError):
        raise _damaged(folder, MANIFEST, "is not a manifest") from None
    for name, entry in entries.items():
        _verify_file(folder, name, entry)
    strangers = {path.relative_to(folder).as_posix() for path in _files(folder)} - set(entries)
    if strangers:
        raise _damaged(folder, min(strangers), "is not in the manifest")
    return own


def _verify_file(folder: Path, name: str, entry: Any) -> None:
    path = folder / name
    if not isinstance(entry, dict) or ".." in Path(name).parts or Path(name).is_absolute():
        raise _damaged(folder, MANIFEST, "is not a manifest")
    if path.is_symlink() or not path.is_file():
        raise _damaged(folder, name, "is missing")
    if path.stat().st_size != entry.get("bytes"):
        raise _damaged(folder, name, f"has {path.stat().st_size} bytes, not {entry.get('bytes')}")
    if sha256(path) != entry.get("sha256"):
        raise _damaged(folder, name, "has other content than its SHA-256 says")


def _damaged(folder: Path, name: str, what: str) -> IntegrityError:
    return IntegrityError(
        "I302",
        f"{name} {what}",
        expected="the folder exactly as it was written",
        fixes=("tunesmith models ls", "copy the folder again from where it came"),
        where=str(folder / name),
    )


def move_folder(source: Path, goal: Path) -> None:
    """Rename a complete folder to its final name, durably; a folder of the same content that is there already stays."""
    make_folder(goal.parent)
    with explained(goal):
        for path in [*_files(source), source / MANIFEST]:
            if path.is_file():
                with path.open("rb+") as file:
                    os.fsync(file.fileno())
        if goal.exists():
            shutil.rmtree(source)
        else:
            source.replace(goal)
        _sync_folder(goal.parent)


def set_aside(path: Path, reason: str) -> Path:
    """Rename something damaged out of the way (never delete it); return its new name."""
    goal = path.with_name(f"{path.name}.{reason}-{secrets.token_hex(3)}")
    with explained(goal):
        path.replace(goal)
        _sync_folder(goal.parent)
    return goal


def remove(path: Path) -> None:
    """Delete a file or folder that is surely no longer wanted; absent is fine."""
    with explained(path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold an exclusive lock across processes for a short read-modify-write."""
    make_folder(path.parent)
    with explained(path):
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
