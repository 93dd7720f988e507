"""Death and refusal at every call of the store: what stood there before is whole, or the new one is."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from faults.shim import Shim
from tunesmith.errors import AccessError, CapacityError, IntegrityError
from tunesmith.store import files

OLD, NEW = b"old " * 3000, b"new and longer " * 3000
DEAD = 41
REFUSALS = [
    (errno.ENOSPC, CapacityError, "R601"),
    (errno.EIO, CapacityError, "R602"),
    (errno.EROFS, AccessError, "A401"),
]


def write_file(folder: Path) -> None:
    files.write(folder / "deep" / "file", [NEW[:20000], NEW[20000:]])


def append_log(folder: Path) -> None:
    files.append(folder / "log.jsonl", {"n": 3}, {"n": 4})


def seal_folder(folder: Path) -> None:
    files.write(folder / "bundle" / "b", NEW)
    files.seal(folder / "bundle")


def move_folder(folder: Path) -> None:
    files.move_folder(folder / "staging", folder / "goal" / "digest")


def prepare(folder: Path) -> Path:
    files.write(folder / "deep" / "file", OLD)
    files.append(folder / "log.jsonl", {"n": 1}, {"n": 2})
    for name in ("bundle", "staging"):
        files.write(folder / name / "a", OLD)
        files.seal(folder / name)
    return folder


def whole(folder: Path) -> None:
    """What a reader must find, whatever happened."""
    assert (folder / "deep" / "file").read_bytes() in {OLD, NEW}
    numbers = [entry["n"] for entry in files.read_log(folder / "log.jsonl")]
    assert numbers in ([1, 2], [1, 2, 3], [1, 2, 3, 4])
    places = [place for place in (folder / "staging", folder / "goal" / "digest") if place.exists()]
    assert len(places) == 1
    files.verify(places[0])


def sealed_or_refused(folder: Path) -> None:
    """A half-sealed folder is either verified as old or new, or refused: never taken for whole while it is not."""
    try:
        files.verify(folder / "bundle")
    except IntegrityError as refused:
        assert refused.code == "I302"
    else:
        assert {path.name for path in (folder / "bundle").iterdir() if path.suffix != ".tmp"} >= {
            "a",
            "manifest.json",
        }


def in_child(work: Callable[[], None]) -> int:
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:
            os._exit(99)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


WORKS = [write_file, append_log, seal_folder, move_folder]


@pytest.mark.parametrize("work", WORKS)
def test_killed_at_every_call_a_reader_finds_old_or_new_whole(
    work: Callable[[Path], None], tmp_path: Path
) -> None:
    for at in count(1):
        folder = prepare(tmp_path / str(at))

        def doomed(at: int = at, folder: Path = folder) -> None:
            Shim(at, lambda: os._exit(DEAD)).install(pytest.MonkeyPatch())
            work(folder)

        ended = in_child(doomed)
        whole(folder)
        sealed_or_refused(folder)
        assert ended in {0, DEAD}
        if work in (write_file, seal_folder):  # it can be done again; the others have done their work already
            work(folder)
            assert (folder / "deep" / "file").read_bytes() == (NEW if work is write_file else OLD)
            files.verify(folder / "bundle")
        if ended == 0:
            break
    print(f"{work.__name__}: {at - 1} calls")
    assert at > 3


@pytest.mark.parametrize(("number", "kind", "code"), REFUSALS)
@pytest.mark.parametrize("work", WORKS)
def test_refused_at_every_call_is_an_error_with_a_code(
    work: Callable[[Path], None], number: int, kind: type[Exception], code: str, tmp_path: Path
) -> None:
    def refuse() -> None:
        raise OSError(number, os.strerror(number))

    for at in count(1):
        folder = prepare(tmp_path / str(at))
        with pytest.MonkeyPatch.context() as patch:
            shim = Shim(at, refuse).install(patch)
            try:
                work(folder)
            except (CapacityError, AccessError) as refused:
                assert isinstance(refused, kind)
                assert refused.code == code
                assert refused.fixes
        last = shim.calls[at - 1] if len(shim.calls) >= at else ""
        whole(folder)
        sealed_or_refused(folder)
        leftovers = list(folder.rglob("*.tmp"))
        assert not leftovers or last == "unlink"
        if not last:
            break
    assert at > 3


def test_a_torn_tail_never_swallows_the_next_line(tmp_path: Path, seed: int) -> None:
    log, draw = tmp_path / "log.jsonl", random.Random(seed)
    kept = []
    for number in range(60):
        files.append(log, {"n": number, "text": "é\n\u2028" * draw.randrange(5)})
        kept.append(number)
        if draw.random() < 0.5:
            size = log.stat().st_size
            last = len(log.read_bytes().rstrip(b"\n").rpartition(b"\n")[2]) + 1
            os.truncate(log, size - draw.randrange(2, last))
            kept.pop()
    assert [entry["n"] for entry in files.read_log(log)] == kept


def sealed(folder: Path, draw: random.Random) -> Path:
    for name, size in (("weights.safetensors", 40_000), ("codec/tokenizer.json", 3000), ("golden.json", 900)):
        files.write(folder / name, draw.randbytes(size))
    files.seal(folder)
    return folder


def test_200_bit_flips_are_all_refused_and_named(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    folder = sealed(tmp_path / "bundle", draw)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for _ in range(200):
        path = draw.choice(paths)
        good = path.read_bytes()
        bad = bytearray(good)
        bad[draw.randrange(len(bad))] ^= 1 << draw.randrange(8)
        path.write_bytes(bad)
        with pytest.raises(IntegrityError) as refused:
            files.verify(folder)
        if path.name != files.MANIFEST:
            assert path.relative_to(folder).as_posix() in refused.value.found
        path.write_bytes(good)
    files.verify(folder)


def test_50_truncations_are_all_refused_and_named(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    folder = sealed(tmp_path / "bundle", draw)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    for _ in range(50):
        path = draw.choice(paths)
        good = path.read_bytes()
        os.truncate(path, draw.randrange(len(good)))
        with pytest.raises(IntegrityError) as refused:
            files.verify(folder)
        assert path.name in refused.value.found or path.name == files.MANIFEST
        path.write_bytes(good)
    files.verify(folder)
