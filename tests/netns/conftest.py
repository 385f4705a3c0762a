"""Labs for the network tests, and the proof that the tests leave nothing behind."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tunnel import offloads
from tunnel.errors import LabError
from tunnel.lab import Lab

HERE = Path(__file__).parent
MARK = "TUNNEL_TEST_SESSION"  # in the environment of whatever a test starts, however far it strays
NO_RIGHTS = (errno.EPERM, errno.EACCES, errno.ENOSPC)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """All tests of this folder are network tests. With offloads switched off, those that choose are left out."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    for item in ours:
        item.add_marker("netns")
    if offloads.switched_off():
        same = [item for item in ours if "all_on" in getattr(item, "fixturenames", ())]
        items[:] = [item for item in items if item not in same]
        config.hook.pytest_deselected(items=same)


@pytest.fixture
def all_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what an offload does, or that choose themselves: on, whatever this run has switched off.

    Before any lab, which inherits it. A run with something off would repeat them, so it leaves them out.
    """
    monkeypatch.setenv(offloads.VARIABLE, "")


@contextmanager
def a_lab() -> Iterator[Lab]:
    """A lab, or a skip that tells what this machine refuses."""
    try:
        lab = Lab()
    except LabError as error:
        if error.errno in NO_RIGHTS:
            pytest.skip(str(error))
        raise
    with lab:
        yield lab


@pytest.fixture(scope="session")
def holder() -> Iterator[Lab]:
    """The one lab of the session, since a start costs as much as many a test."""
    with a_lab() as made:
        yield made


@pytest.fixture
def lab(holder: Lab) -> Iterator[Lab]:
    """An empty lab."""
    yield holder
    holder.clear()


@pytest.fixture
def own_lab() -> Iterator[Lab]:
    """A lab with a holder of the test's own, for tests of labs."""
    with a_lab() as made:
        yield made


@pytest.fixture(scope="module")
def module_lab() -> Iterator[Lab]:
    """One lab for all tests of a module, for those that build once and then look."""
    with a_lab() as made:
        yield made


def started_here(mark: str) -> set[str]:
    """Processes that carry the session's mark, with their programs."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.add(f"{entry.name} {(entry / 'cmdline').read_bytes().replace(bytes(1), b' ').decode()}")
        except OSError:
            continue  # it ended meanwhile, or it is somebody else's
    return found


def held_namespaces() -> set[str]:
    """Descriptors of this process that keep a namespace alive."""
    held = set()
    for fd in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the listing's own, or another thread's
            target = os.readlink(f"/proc/self/fd/{fd}")
            if target.startswith(("net:", "user:", "mnt:")):
                held.add(f"{fd} -> {target}")
    return held


def traces(mark: str) -> dict[str, set[str]]:
    """Everything a test could leave behind outside of its lab."""
    named = Path("/run/netns")
    return {
        "links": {name for _, name in socket.if_nameindex()},
        "named namespaces": {entry.name for entry in named.iterdir()} if named.exists() else set(),
        "held namespaces": held_namespaces(),
        "processes": started_here(mark),
    }


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Compares links, namespaces and processes after the session with those before it."""
    mark = f"{MARK}={os.getpid()}"
    os.environ[MARK] = str(os.getpid())
    before = traces(mark)
    yield
    after = traces(mark)
    left = {what: after[what] - before[what] for what in after if after[what] - before[what]}
    assert not left, f"the tests left behind: {left}"
