"""The library of `nn/passes.c`: compiled once for this machine by its own C compiler, and kept beside the caches.

It shares torch's threads: of the OpenMP library nothing is linked, its functions are those that torch has loaded.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tunesmith import doors
from tunesmith.errors import IntegrityError, UsageError
from tunesmith.recipe.sections import Train
from tunesmith.store import files

COMPILERS = ("cc", "gcc", "clang")
# no header of a C library is needed; a product and a sum may be rounded once, and errors of floats raise nothing
FLAGS = ("-O3", "-march=native", "-fopenmp", "-fPIC", "-ffreestanding", "-ffp-contract=fast")
FLAGS += ("-fno-math-errno", "-fno-trapping-math")
SECONDS = 120.0
LIBRARY = "passes.so"
PROCESSOR = Path("/proc/cpuinfo")


def usual(options: Train, device: str) -> str:
    """What the recipe asks for; for 'auto' 'own' where passes can be compiled here, else 'torch'.

    What torch compiles itself (`train.compile`) it computes itself.
    """
    if options.kernels != "auto":
        return options.kernels
    return "own" if device == "cpu" and options.compile == "off" and able() else "torch"


def able() -> bool:
    """Whether this machine has all that the library needs."""
    return bool(compiler() and _openmp())


def compiler() -> str:
    """Path of this machine's C compiler; '' where there is none, or where the system is none of those tried."""
    return next(filter(None, map(shutil.which, COMPILERS)), "") if platform.system() == "Linux" else ""


def use(choice: str, home: Path) -> None:
    """Compute passes by the library ('own', kept in this folder) or by torch.

    Raises UsageError C178 where the library can't be made or loaded.
    """
    from tunesmith.nn import passes

    made = library(home) if choice == "own" else (None,)
    try:
        passes.use(*made)
    except (OSError, AttributeError) as failure:  # a home that nothing may be executed from, say
        raise _impossible(str(failure)) from None


def library(home: Path) -> tuple[Path, Path]:
    """(the compiled library, torch's OpenMP); compiled where it is not there whole.  Raises UsageError C178."""
    command, threads = compiler(), _openmp()
    if not command or not threads:
        raise _impossible("there is no C compiler" if not command else "torch's OpenMP library was not found")
    folder = home / "kernels" / _name(command)
    try:
        files.verify(folder)
    except IntegrityError:
        _make(command, folder)
    return folder / LIBRARY, Path(threads)


def _name(command: str) -> str:
    """Everything that the library depends on: source, flags, compiler and processor."""
    from tunesmith.nn import passes

    text = PROCESSOR.read_text("utf-8") if PROCESSOR.is_file() else platform.processor()
    kinds = sorted(
        {line for line in text.splitlines() if line.startswith(("model name", "flags", "Features"))}
    )
    about = [passes.SOURCE.read_text("utf-8"), *FLAGS, _version(command), platform.machine(), *kinds]
    return hashlib.sha256(files.canonical_json(about)).hexdigest()[:40]


@cache
def _version(command: str) -> str:
    return _ran(command, "--version").stdout.decode("utf-8", "replace")


def _make(command: str, folder: Path) -> None:
    from tunesmith.nn import passes

    with tempfile.TemporaryDirectory() as place:
        part, whole = f"{place}/passes.o", Path(place, LIBRARY)
        for words in (
            (*FLAGS, "-c", str(passes.SOURCE), "-o", part),
            ("-shared", "-nostdlib", part, "-o", str(whole)),
        ):
            done = _ran(command, *words)
            if done.returncode:
                raise _impossible(_first_line(done.stderr))
        files.write(files.make_folder(folder) / LIBRARY, whole.read_bytes())
    files.seal(folder)


def _ran(command: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run([command, *words], capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise _impossible(str(failure)) from None


def _first_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").splitlines()
    return next((line for line in lines if "error" in line), lines[0] if lines else "the compiler failed")[
        :200
    ]


def _openmp() -> str:
    """Path of the OpenMP library that came with torch; '' where none is found."""
    torch = Path(str(doors.open("torch").__file__)).parent
    kinds, folders = (
        ("libgomp*.so*", "libiomp*.so*", "libomp*.so*"),
        (torch / "lib", torch.parent / "torch.libs"),
    )
    return str(min((path for folder in folders for kind in kinds for path in folder.glob(kind)), default=""))


def _impossible(why: str) -> UsageError:
    return UsageError(
        "C178",
        f"train.kernels is 'own', and the passes can't be had: {why}",
        expected="Linux, a C compiler on the path (cc, gcc or clang), and torch with its OpenMP library",
        fixes=("--set train.kernels=torch",),
        where="train.kernels",
    )
