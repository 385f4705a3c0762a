"""Death of a lab's holder, or of the program that builds it, at every step and at any time: `clean` leaves the
machine as it was, looked at whole."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Timer

import pytest

from tests.netns.machine import FOLDER, IS_ROOT, State, begin, ip, require_same, state
from tunnel.errors import LabError
from tunnel.lab import Lab, cleaning, place

SEED = 20
KILLS = 50
WORKERS = 2
END_S = 20.0
FILE = FOLDER / "lab.toml"
ECHO = """[devices.tun0]
type = "tun"
attach = true
[handlers.echo]
type = "echo"
addresses = ["10.9.0.0/24"]
[graph]
links = ["tun0 -- echo"]
"""
LAB = """name = "crash"
[nodes.a]
graph = "echo.toml"
[nodes.a.interfaces.tun0]
type = "tun"
address = ["10.9.0.1/24"]
[nodes.b]
[[nodes.b.run]]
command = ["sh", "-c", "setsid sleep 1000 </dev/null >/dev/null 2>&1 &"]
ready = { exit = true }
[bridges.br0]
[[links]]
endpoints = ["a:eth0", "br0"]
address = ["10.0.0.1/24"]
[[links]]
endpoints = ["b:eth0", "br0"]
address = ["10.0.0.2/24"]
impair = {}
"""
ON_THE_HOST = """[nodes.a.interfaces.up0]
type = "card"
card = "card0"
[bridges.host0]
host = true
address = ["10.3.0.254/24"]
[bridges.host0.interfaces.tap0]
type = "tap"
[[links]]
endpoints = ["b:eth1", "host0"]
address = ["10.3.0.1/24"]
"""
SMALL = """name = "small"
[nodes.a]
[[nodes.a.run]]
command = ["sh", "-c", "setsid sleep 1000 </dev/null >/dev/null 2>&1 &"]
ready = { exit = true }
[nodes.b]
[bridges.host0]
host = true
[[links]]
endpoints = ["a:eth0", "host0"]
[[links]]
endpoints = ["b:eth0", "host0"]
"""

# In a holder: death right before, or right after, the line of that number is written into the journal.
INJECTED = """
import os, signal, sys
if "tunnel.lab.holder" in sys.orig_argv:
    write, lines = os.write, 0
    when, number = os.environ["DEATH"].split()
    def spy(fd, content):
        global lines
        if not bytes(content[:9]) == b'{"kind": ':
            return write(fd, content)
        lines += 1
        if (when, lines) == ("before", int(number)):
            os.kill(os.getpid(), signal.SIGKILL)
        done = write(fd, content)
        if (when, lines) == ("after", int(number)):
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    os.write = spy
"""


def on_machines(body: Callable[..., None], *, ordinary: bool) -> None:
    """Shares the work among machines, one a processor."""
    begun = [begin(body, str(number), ordinary=ordinary) for number in range(WORKERS)]
    ends = []
    for process in begun:
        said, _ = process.communicate(timeout=100)
        ends.append((process.returncode, said))
    for status, said in ends:
        assert status == 0, said


def prepare(text: str) -> State:
    """The files of a lab, a card if it may have one, and the state of the machine."""
    FILE.write_text(text)
    FILE.with_name("echo.toml").write_text(ECHO)
    if os.geteuid() == 0:
        for family in ("all", "default"):
            Path(f"/proc/sys/net/ipv6/conf/{family}/accept_dad").write_text("0")
        ip("link", "add", "card0", "type", "veth", "peer", "name", "far0")
        ip("link", "set", "card0", "up")
        ip("link", "set", "far0", "up")
        while ip("-j", "link").count('"operstate":"UP"') < 2:  # linkwatch tells it later
            pass
    return settled()


def settled() -> State:
    """The state of the machine, once it is the same twice."""
    found, before = state(), None
    while found != before:
        found, before = state(), found
    return found


def forked(act: Callable[[], None]) -> int:
    """A process that does so and ends; its id. Its words are not to be seen."""
    pid = os.fork()
    if not pid:
        status = 70
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 2)
            act()
            status = 0
        except LabError:
            status = 2
        finally:
            os._exit(status)
    return pid


def build() -> None:
    """As ``tunnel lab up`` does."""
    lab = Lab.from_file(FILE).build()
    lab.keep()
    lab.close()


def end_all() -> None:
    """As ``tunnel lab down --all`` does."""
    for name in place.up():
        with Lab(place.connect(name)) as lab:
            lab.end()


def status_of(pid: int) -> int:
    """The exit status of a child, when it has ended."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize("when", ["before", "after"])
def test_death_at_every_record(when: str) -> None:
    on_machines(die_before if when == "before" else die_after, ordinary=not IS_ROOT)


def die_before(worker: str) -> None:
    die("before", int(worker))


def die_after(worker: str) -> None:
    die("after", int(worker))


def die(when: str, worker: int) -> None:
    """At the records of one worker's share."""
    inject()
    before = prepare(LAB + (ON_THE_HOST if os.geteuid() == 0 else ""))
    os.environ["DEATH"] = "never 0"
    assert status_of(forked(build)) == 0
    with place.folder() as folder:
        records = Path(f"/proc/self/fd/{folder}/lab-crash.journal").read_text().count("\n")
    assert records >= (14 if os.geteuid() == 0 else 7), records
    end_all()
    require_same(before, "down")
    for number in range(1 + worker, records + 1, WORKERS):
        os.environ["DEATH"] = f"{when} {number}"
        assert status_of(forked(build)) == 2, f"{when} record {number}"
        assert [one.lab for one in cleaning.clean()] == ["crash"]
        require_same(before, f"{when} record {number} of {records}")
        assert place.present() == []


def inject() -> None:
    """Into every Python that is started from here on."""
    folder = FOLDER / "injected"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(INJECTED)
    sys.path.insert(0, str(folder))


def test_kills_at_any_time() -> None:
    on_machines(killed, ordinary=not IS_ROOT)


def killed(worker: str) -> None:
    """One worker's share of the kills: of the builder, of the holder, of the holder while it ends."""
    before = prepare(SMALL.replace("host = true", "") if os.geteuid() else SMALL)
    chance = random.Random(SEED + int(worker))
    begun = time.monotonic()
    assert status_of(forked(build)) == 0
    took = time.monotonic() - begun
    end_all()
    require_same(before, "down")
    cleaned = 0
    for number in range(KILLS // WORKERS):
        moment, strike = chance.uniform(0, 1.1), VICTIMS[number % len(VICTIMS)]
        strike(moment * took)
        cleaned += put_right(before, f"{strike.__name__} at {moment:.3f} of {took:.2f} s (number {number} of {worker})")
    assert cleaned >= 2, "a kill is to leave something"


def at(seconds: float, act: Callable[[], None], pid: int) -> None:
    """Does so at that time from now, while a child works or after it has ended."""
    timer = Timer(seconds, act)
    timer.start()
    status_of(pid)
    timer.join()


def kill_builder(seconds: float) -> None:
    pid = forked(build)
    pidfd = os.pidfd_open(pid)
    at(seconds, lambda: kill(pidfd), pid)
    os.close(pidfd)


def kill_holder(seconds: float) -> None:
    at(seconds, kill_holders, forked(build))


def kill_while_it_ends(seconds: float) -> None:
    assert status_of(forked(build)) == 0
    at(seconds / 4, kill_holders, forked(end_all))  # ending is quicker than building


def kill(pidfd: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)


def kill_holders() -> None:
    for pid in holders():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


VICTIMS = (kill_builder, kill_holder, kill_builder, kill_holder, kill_while_it_ends)


def holders() -> Iterator[int]:
    """The holders on this machine."""
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdigit() and b"tunnel.lab.holder" in Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0"):
                yield int(name)


def put_right(before: State, what: str) -> int:
    """Ends what is still up, cleans what died, and compares; how many were cleaned."""
    cleaned = 0
    until = time.monotonic() + END_S
    while place.present() or list(holders()):
        assert time.monotonic() < until, f"{what}: {place.present()} and {list(holders())} do not end"
        with suppress(LabError):  # it may be ending by itself
            end_all()
        cleaned += len([*cleaning.clean()])
    require_same(before, what)
    return cleaned
