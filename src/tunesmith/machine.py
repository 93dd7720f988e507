"""What this machine is: cores, memory, disk, accelerator, library versions, and how fast it multiplies."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tunesmith import doors
from tunesmith.errors import UsageError
from tunesmith.store import files

LIBRARIES = (
    "tunesmith",
    "numpy",
    "scikit-learn",
    "torch",
    "transformers",
    "peft",
    "tokenizers",
    "safetensors",
)
DRIVER = Path("/proc/driver/nvidia/gpus")  # where Linux tells of NVIDIA's GPUs
# torch's word for "oneDNN may compute float32 products" is a precision; how precise they are is measured here
PRECISIONS = {"blas": "highest", "onednn": "medium"}
EXACT = 1e-5  # relative error of a product that still counts as one of float32
FASTER = 1.3  # bfloat16 must win by this factor before its rounding is accepted
# (rows, terms, columns) of the product that is timed: on a GPU so large that starting it costs nothing
PRODUCT = {"cpu": (1024, 384, 1536), "cuda": (4096, 4096, 4096)}


def physical_cores() -> int:
    """Cores that this process may use, hyper-threads counted once where Linux tells."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    siblings = set()
    for cpu in allowed:
        listing = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list")
        siblings.add(listing.read_text().strip() if listing.is_file() else str(cpu))
    return max(1, len(siblings))


def usual_threads() -> int:
    """OMP_NUM_THREADS where the user has set it, else the physical cores."""
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(asked) if asked.isdigit() and int(asked) > 0 else physical_cores()


def memory_bytes() -> int:
    """Physical memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that decide bits; '' where one is not installed."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            found[library] = ""
    return found


def describe(home: Path) -> dict[str, Any]:
    """The facts that `doctor` prints and that a run records."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": physical_cores(),
        "memory_gb": round(memory_bytes() / 1e9, 1),
        "accelerators": accelerators(),
        "disk_free_gb": round(files.free_bytes(home) / 1e9, 1),
        "versions": versions(),
    }


def set_threads(threads: int) -> int:
    """Set torch's CPU threads (0: the usual number); return how many it is now."""
    torch = doors.open("torch")
    torch.set_num_threads(threads or usual_threads())
    return torch.get_num_threads()


def accelerators() -> list[str]:
    """Names of the NVIDIA GPUs as Linux tells them; torch is not loaded for it."""
    told = sorted(DRIVER.glob("*/information"))
    lines = [line.partition(":") for path in told for line in path.read_text("utf-8").splitlines()]
    return [value.strip() for key, _, value in lines if key.strip() == "Model"]


def device(asked: str = "auto") -> str:
    """Where networks are to compute: 'cuda' or 'cpu'; asked: 'auto' is the GPU where torch can use one.

    Raises UsageError C175 where a GPU is asked for and torch can use none.
    """
    usable = asked != "cpu" and doors.open("torch").cuda.is_available()
    if asked == "cuda" and not usable:
        raise UsageError(
            "C175",
            "train.device is 'cuda', and torch can use no GPU here",
            expected="an NVIDIA GPU that is not hidden by CUDA_VISIBLE_DEVICES, and torch built for CUDA",
            fixes=("--set train.device=cpu", "tunesmith doctor"),
            where="train.device",
        )
    return "cuda" if usable else "cpu"


def fastest_dtype(device: str = "cpu") -> str:
    """'bfloat16' where one matrix product in it is clearly faster than in float32, else 'float32'.

    Times a product on the device ('cpu' or 'cuda') in each, on a CPU of an encoder's size; takes about 0.1 s.  The
    answer belongs in the resolved recipe, so that a resumed or reproduced run never asks again.
    """
    torch = doors.open("torch")
    rows, terms, columns = PRODUCT[device]
    seconds = {}
    for dtype in (torch.float32, torch.bfloat16):
        left, right = (
            torch.ones(*shape, dtype=dtype, device=device) for shape in ((rows, terms), (terms, columns))
        )
        seconds[dtype] = min(_timed(lambda a=left, b=right: a @ b, device) for _ in range(8))
    return "bfloat16" if seconds[torch.float32] > FASTER * seconds[torch.bfloat16] else "float32"


def set_products(products: str) -> None:
    """Which library of torch's computes float32 matrix products on a CPU, in the whole process: 'blas' (MKL on x86, as
    torch comes) or 'onednn'."""
    doors.open("torch").set_float32_matmul_precision(PRECISIONS[products])


def give_back() -> None:
    """Return memory that was freed to the system, where the C library can (glibc): it keeps what lies below anything in
    use, and blocks of another size find no place there."""
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def fastest_products(device: str = "cpu") -> str:
    """'onednn' where its float32 products on a CPU are clearly faster than BLAS's and as exact, else 'blas'.

    On some processors (AMD's) MKL takes twice as long; on others (with AMX) oneDNN would round to bfloat16 inside,
    which the error tells.  Takes about 0.1 s; like `fastest_dtype` it is asked once.
    """
    if device != "cpu":  # torch's word for it would narrow a GPU's products too
        return "blas"
    torch = doors.open("torch")
    rows, terms, columns = PRODUCT["cpu"]
    draw = torch.Generator().manual_seed(0)
    left, right = torch.randn(rows, terms, generator=draw), torch.randn(terms, columns, generator=draw)
    exact, seconds, error = left.double() @ right.double(), {}, 0.0
    for products in ("blas", "onednn"):
        set_products(products)
        error = float((left @ right - exact).norm() / exact.norm())
        seconds[products] = min(_timed(lambda: left @ right) for _ in range(8))
    set_products("blas")
    return "onednn" if seconds["blas"] > FASTER * seconds["onednn"] and error < EXACT else "blas"


def _timed(work: Any, device: str = "cpu") -> float:
    start = time.perf_counter()
    work()
    if device == "cuda":  # the call above only queues the work
        doors.open("torch").cuda.synchronize()
    return time.perf_counter() - start
