"""A lab ends with everything in it, however its end comes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from tunnel.errors import LabError
from tunnel.lab import Lab, Node

END_MS = 20_000
FOREVER = [sys.executable, "-I", "-S", "-c", "import signal; signal.pause()"]
LEAVE = "setsid \"$@\" </dev/null >/dev/null 2>&1 & echo $!"  # a daemon: nobody's child, no terminal

# A program with a lab, a program of its own in it, and a daemon that has left its parent.
OWNER = f"""
import os, signal
from tunnel.lab import Lab
lab = Lab()
node = lab.node("a")
child = node.popen({FOREVER!r})
daemon = node.run(["sh", "-c", {LEAVE!r}, "sh", *{FOREVER!r}]).stdout.strip()
copy = os.fork() if FORK else 0
if copy or not FORK:
    print(lab.pid, child.pid, daemon, copy, flush=True)
signal.pause()
"""


def ended(pidfd: int) -> bool:
    """Whether the process behind ``pidfd`` ends in time."""
    waiter = select.poll()
    waiter.register(pidfd, select.POLLIN)
    return bool(waiter.poll(END_MS))


@contextmanager
def watched(pids: list[int]) -> Iterator[list[int]]:
    """Descriptors of processes."""
    pidfds = [os.pidfd_open(pid) for pid in pids]
    yield pidfds
    for fd in pidfds:
        os.close(fd)


def start_child(node: Node) -> subprocess.Popen[str]:
    """A process in the node that has begun."""
    command = [*FOREVER[:-1], f"print('begun', flush=True); {FOREVER[-1]}"]
    child = node.popen(command, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "begun\n"
    return child


def start_daemon(node: Node) -> int:
    """A process in the node that no one waits for; its id is of a shell's background job."""
    return int(node.run(["sh", "-c", LEAVE, "sh", *FOREVER]).stdout)


@pytest.fixture
def lab(own_lab: Lab) -> Lab:
    """What is ended here is not the session's."""
    return own_lab


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_clearing_leaves_the_holder_alone(lab: Lab) -> None:
    lab.clear()  # an empty one may be cleared too
    before, fresh = open_descriptors(), set(os.listdir(f"/proc/{lab.pid}/fd"))
    node = lab.node("a")
    lab.link((node, "one"), (lab.node("b"), "other"))
    node.run(["sh", "-c", "echo >/run/file; mkdir /run/sub; mount -t tmpfs none /run/sub"])
    child = start_child(node)
    with watched([child.pid, start_daemon(node)]) as pidfds:
        lab.clear()
        assert all(map(ended, pidfds))
    assert child.returncode == -signal.SIGKILL
    assert open_descriptors() == before
    assert set(os.listdir(f"/proc/{lab.pid}/fd")) == fresh
    again = lab.node("a")
    assert again.run(["ls", "/run"]).stdout == ""
    assert again.run(["cat", "/proc/net/dev"]).stdout.count(":") == 1, "only lo"


def test_closing_ends_children_and_daemons(lab: Lab) -> None:
    node = lab.node("a")
    child = start_child(node)
    with watched([child.pid, start_daemon(node), lab.pid]) as pidfds:
        lab.close()
        assert all(map(ended, pidfds))
    assert child.returncode == -signal.SIGKILL
    lab.close()


@pytest.mark.parametrize("end", [Lab.close, Lab.clear])
def test_a_program_of_the_lab_that_has_only_begun(lab: Lab, end: Callable[[Lab], None]) -> None:
    """It is not in its node yet, so nobody would find it there."""
    lab.node("a")
    pid = lab.call("start", "start", node="a", command=FOREVER, env={}, folder="/")
    with watched([pid]) as pidfds:
        end(lab)
        assert ended(pidfds[0])


def test_who_made_a_namespace_of_its_own_ends_too(lab: Lab) -> None:
    words = ["unshare", "--net", *FOREVER[:-1], f"print('begun', flush=True); {FOREVER[-1]}"]
    child = lab.node("a").popen(words, stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "begun\n"
    left = int(lab.nodes["a"].run(["sh", "-c", LEAVE, "sh", "unshare", "--net", *FOREVER]).stdout)
    with watched([child.pid, left]) as pidfds:
        lab.close()
        assert all(map(ended, pidfds))


def test_an_exception_ends_the_lab() -> None:
    pidfds = []

    def fail() -> None:
        with Lab() as lab:
            pidfds.append(os.pidfd_open(lab.pid))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert ended(pidfds[0])
    os.close(pidfds[0])


def test_a_closed_lab_says_so(lab: Lab) -> None:
    node = lab.node("a")
    lab.close()
    for action in (lambda: lab.node("b"), lambda: node.up("lo"), lambda: node.tun("tun0")):
        with pytest.raises(LabError, match="ended or was closed"):
            action()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_holder(lab: Lab, number: signal.Signals) -> None:
    node = lab.node("a")
    child = start_child(node)
    with watched([lab.pid]) as pidfds:
        os.kill(lab.pid, number)
        assert all(map(ended, pidfds))
    with pytest.raises(LabError, match="node a, lo: set up: the lab has ended"):
        node.up("lo")
    lab.close()
    assert child.returncode == -signal.SIGKILL


@pytest.mark.parametrize("fork", [False, True], ids=["alone", "socket-copied-by-fork"])
def test_a_killed_owner(lab: Lab, fork: bool) -> None:
    program = OWNER.replace("FORK", str(fork))
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        holder, child, daemon, copy = map(int, owner.stdout.readline().split())
        with watched([holder, child, daemon]) as pidfds:
            owner.kill()
            assert all(map(ended, pidfds))
        if fork:
            os.kill(copy, signal.SIGKILL)
    assert owner.returncode == -signal.SIGKILL
    assert lab.node("other"), "another lab lives on"


def test_the_thread_that_made_it_may_end() -> None:
    made: list[Lab] = []
    thread = Thread(target=lambda: made.append(Lab()))
    thread.start()
    thread.join()
    with made[0] as lab:
        assert lab.node("a").interface("lo").up


def test_the_terminal_s_interrupt_is_not_the_holder_s(lab: Lab) -> None:
    os.kill(lab.pid, signal.SIGINT)
    assert lab.node("a").interface("lo").up


def test_a_machine_without_room_for_namespaces() -> None:
    program = "import tunnel.lab as l\ntry: l.Lab()\nexcept l.LabError as e: print(e.errno, e)"
    script = 'echo 0 >/proc/sys/user/max_net_namespaces; exec "$@"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]
    command += [sys.executable, "-c", program]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "the lab cannot start: unshare" in told
    assert "user.max_net_namespaces" in told
