"""What every test gets: no network but loopback, a home of its own, seeds that are printed."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tunesmith import doors

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything imports the hub
os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # two workers whose threads spin for two cores take ten times as long
ROOT = Path(__file__).resolve().parent.parent
SEED = int(os.environ.get("TUNESMITH_TEST_SEED", "20261120"))
LOOPBACK = {"127.0.0.1", "::1", "localhost", "", "0.0.0.0", "testserver"}


def pytest_report_header() -> list[str]:
    return [f"tunesmith: seed {SEED} (TUNESMITH_TEST_SEED), shared data: {shared_folder() or 'absent'}"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of networks are skipped, and say which extra they lack, where torch is not installed."""
    if doors.has("torch"):
        return
    lacking = pytest.mark.skip(reason='torch is absent: pip install -e ".[train]"')
    for item in items:
        if item.get_closest_marker("neural"):
            item.add_marker(lacking)


@pytest.fixture(autouse=True)
def _only_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anything but this machine is an error that names the address."""
    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    monkeypatch.setattr(socket, "getaddrinfo", _guarded_lookup(socket.getaddrinfo))


def _guarded(original: Any) -> Any:
    def connect(self: socket.socket, address: Any) -> Any:
        if self.family != socket.AF_UNIX and address[0] not in LOOPBACK:
            raise AssertionError(f"a test tried to reach {address}")
        return original(self, address)

    return connect


def _guarded_lookup(original: Any) -> Any:
    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is not None and name not in LOOPBACK:
            raise AssertionError(f"a test tried to look up {name}")
        return original(host, *args, **options)

    return getaddrinfo


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[int]:
    """The same randomness for every test, whichever ran before."""
    random.seed(SEED)
    np.random.seed(SEED % 2**32)
    yield SEED


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """The seed of the session, printed so that a failure can be repeated."""
    print(f"seed {SEED} in {request.node.nodeid}")
    return SEED


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, also for child processes."""
    folder = tmp_path / "home"
    monkeypatch.setenv("TUNESMITH_HOME", str(folder))
    return folder


def shared_folder() -> Path | None:
    """The folder of real data and models: `TUNESMITH_SHARED`, by default ../shared beside the project."""
    folder = Path(os.environ.get("TUNESMITH_SHARED", ROOT.parent / "shared"))
    return folder if (folder / "data").is_dir() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared folder; a test that needs it is skipped where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("the shared data is absent: set TUNESMITH_SHARED to the folder that holds data/")
    return folder


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of plugins that the catalog looks into."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    monkeypatch.setenv("TUNESMITH_PLUGINS", str(folder))
    return folder
