"""Workers: forked engines over Memory devices, and every way in which one can end."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.unit.shooters import COUNT, Shooter, graph
from tests.unit.site import PATIENCE_S, open_fds
from tunnel import service, workers
from tunnel.counters import Ledger, engine_imbalance
from tunnel.devices.memory import Memory
from tunnel.errors import ConfigError, DeviceClosed, DeviceError, TunnelError, WorkerError
from tunnel.worker import STOPS

LONG_S = 30.0  # a run that does not end by itself


def run(shooter: Shooter, started: Callable[[], None] | None = None, **options: Any) -> list[Ledger]:
    return workers.run(graph(shooter, **options), partial(service.alone, duration_s=LONG_S), started)


def raising(error: Exception) -> Callable[[], None]:
    def then() -> None:
        raise error

    return then


@pytest.fixture
def nothing_is_left() -> Iterator[None]:
    """No child, no signal handler, no blocked signal, no descriptor; the switch interval as it was."""
    handlers, fds, interval = [signal.getsignal(number) for number in STOPS], open_fds(), sys.getswitchinterval()
    yield
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, []) & {*STOPS}
    assert ([signal.getsignal(number) for number in STOPS], open_fds()) == (handlers, fds)
    sys.setswitchinterval(interval)


@pytest.fixture
def shooter(nothing_is_left: None) -> Iterator[Callable[..., Shooter]]:
    made: list[Shooter] = []

    def make(*args: Any) -> Shooter:
        made.append(Shooter(*args))
        return made[-1]

    yield make
    for one in made:
        os.close(one.pids[0])
        os.close(one.pids[1])


def all_are_done(count: int) -> Callable[[], None]:
    """What ends the run once so many workers have come to it."""
    reading, writing = os.pipe()

    def then() -> None:
        os.write(writing, b".")
        waiting = int.from_bytes(fcntl.ioctl(reading, termios.FIONREAD, bytes(4)), sys.byteorder)
        if waiting == count:
            os.kill(os.getpid(), signal.SIGTERM)

    then.pipe = reading, writing  # type: ignore[attr-defined]
    return then


@pytest.fixture
def both_done(nothing_is_left: None) -> Iterator[Callable[[], None]]:
    then = all_are_done(2)
    yield then
    for fd in then.pipe:  # type: ignore[attr-defined]
        os.close(fd)


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_each_has_a_graph_of_its_own(shooter: Callable[..., Shooter], both_done: Callable[[], None], loop: str):
    one = shooter(both_done)
    ledgers = run(one, loop=loop)
    for ledger in ledgers:
        assert engine_imbalance(ledger) == 0
        assert ledger["handlers"]["shooter"]["consumed"]["packets"] == COUNT
        assert ledger["devices"]["right"]["rx"]["packets"] == COUNT
    assert len(ledgers) == len(set(one.started())) == 2
    assert one.counts()["consumed"]["packets"] == 0, "nothing passes here"


def test_run_adds_the_ledgers_up(shooter: Callable[..., Shooter], both_done: Callable[[], None]):
    ledger = service.run(graph(shooter(both_done)), duration_s=LONG_S)
    assert engine_imbalance(ledger) == 0
    assert ledger["handlers"]["shooter"]["consumed"]["packets"] == 2 * COUNT


def test_a_duration_ends_all(shooter: Callable[..., Shooter]):
    ledger = service.run(graph(shooter(lambda: None)), duration_s=0.01)
    assert engine_imbalance(ledger) == 0


def test_started_is_called_once_here_when_all_run(shooter: Callable[..., Shooter]):
    one, calls = shooter(lambda: None), list[tuple[int, int]]()

    def started() -> None:
        calls.append((os.getpid(), len(one.started())))
        os.kill(os.getpid(), signal.SIGTERM)

    assert len(run(one, started, count=3)) == 3
    assert calls == [(os.getpid(), 3)]


@pytest.mark.parametrize("number", STOPS)
@pytest.mark.parametrize("to", ["parent", "worker", "all"])
def test_a_signal_ends_all(shooter: Callable[..., Shooter], number: signal.Signals, to: str):
    one = shooter(lambda: None)

    def started() -> None:
        pids = [*one.started(), os.getpid()]
        for pid in {"parent": pids[2:], "worker": pids[:1], "all": pids}[to]:
            os.kill(pid, number)

    assert [engine_imbalance(ledger) for ledger in run(one, started)] == [0, 0]


def test_a_worker_that_is_killed(shooter: Callable[..., Shooter]):
    one = shooter(lambda: None)
    with pytest.raises(WorkerError, match=r"^worker [01] \(process \d+\) was killed by SIGKILL; all") as caught:
        run(one, lambda: os.kill(one.started()[1], signal.SIGKILL))
    assert caught.value.exit_code == 2


def test_a_worker_that_ends_without_a_word(shooter: Callable[..., Shooter]):
    with pytest.raises(WorkerError, match=r"^worker [01] \(process \d+\) ended with exit code 3"):
        run(shooter(lambda: os._exit(3)))


def test_a_worker_that_raises(shooter: Callable[..., Shooter], capfd: pytest.CaptureFixture[str]):
    with pytest.raises(WorkerError, match=r"^worker [01]: ValueError: on purpose$") as caught:
        run(shooter(raising(ValueError("on purpose"))), strict=True)
    assert caught.value.exit_code == 1
    assert "test_workers.py" in capfd.readouterr().err, "its traceback"


@pytest.mark.parametrize(("error", "exit_code"), [
    (DeviceError("no such thing", 19), 2), (DeviceClosed("gone", 6), 2), (ConfigError("wrong"), 1),
    (TunnelError("x"), 2),
])
def test_an_error_is_the_same_here(shooter: Callable[..., Shooter], error: TunnelError, exit_code: int):
    one = shooter()
    one.opened = lambda now_ns: raising(error)()  # type: ignore[method-assign]
    with pytest.raises(type(error), match=f"^{error}$") as caught:
        run(one)
    assert type(caught.value) is type(error)
    assert caught.value.exit_code == exit_code
    assert getattr(caught.value, "errno", 0) == getattr(error, "errno", 0)


def test_a_worker_that_does_not_end_is_killed(shooter: Callable[..., Shooter], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tunnel.crew.GRACE_S", 0.1)
    one = shooter(lambda: None)
    one.closed = signal.pause  # type: ignore[method-assign, assignment]
    with pytest.raises(WorkerError, match=r"was killed by SIGKILL, since it went on for 0.1 s"):
        run(one, lambda: os.kill(os.getpid(), signal.SIGTERM))


def test_started_may_raise(shooter: Callable[..., Shooter]):
    with pytest.raises(BrokenPipeError):
        run(shooter(lambda: None), raising(BrokenPipeError()))


def test_no_process_can_be_had(shooter: Callable[..., Shooter], monkeypatch: pytest.MonkeyPatch):
    fork, left = os.fork, [None]

    def scarce() -> int:
        if not left:
            raise OSError(11, "Resource temporarily unavailable")
        left.pop()
        return fork()

    monkeypatch.setattr(os, "fork", scarce)
    with pytest.raises(TunnelError, match="worker 1: fork: Resource temporarily unavailable; fewer workers"):
        run(shooter(lambda: None))


def test_threads_are_refused(shooter: Callable[..., Shooter]):
    going = threading.Event()
    other = threading.Thread(target=going.wait, name="somebody")
    other.start()
    try:
        with pytest.raises(TunnelError, match=r"threads run already \(somebody\).*`opened`"):
            run(shooter())
    finally:
        going.set()
        other.join()


class Scarce(Memory):
    """Its second queue cannot be opened."""

    def __init__(self, made: list[Scarce]) -> None:
        super().__init__()
        self.made = made

    def queues(self, count: int) -> list[Scarce]:
        self.made[:] = [Scarce(self.made) for _ in range(count)]
        return self.made

    def open(self) -> None:
        if self is self.made[1]:
            raise DeviceError("no second one")
        super().open()


def test_what_cannot_be_opened_is_told_before_any_worker_is(shooter: Callable[..., Shooter]):
    one, made = shooter(), list[Scarce]()
    site = graph(one)
    site.add(Scarce(made), "scarce")
    site.link("scarce -> right")
    with pytest.raises(DeviceError, match="no second one"):
        workers.run(site, service.alone)
    assert [device.fd for device in made] == [-1, -1]
    assert [device.fd for device in site.devices["left"].queues(2)] == [-1, -1]


PROGRAM = """
from tests.unit.shooters import Shooter, graph
from tunnel import service
one = Shooter(lambda: None)
service.run(graph(one), started=lambda: print(*one.started(), flush=True))
"""


def test_no_worker_outlives_its_parent():
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pids = [int(word) for word in process.stdout.readline().split()]
        fds = [os.pidfd_open(pid) for pid in pids]
        process.kill()
    for fd in fds:
        assert select.select([fd], [], [], PATIENCE_S)[0], "it lives on"
        os.close(fd)
    assert len(fds) == 2
