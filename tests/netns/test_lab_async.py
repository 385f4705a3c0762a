"""The lab on a loop: nothing waits there, and a task that is cancelled leaves nothing."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from tests.netns.conftest import NO_RIGHTS
from tests.netns.engines import PATIENCE_S
from tunnel.errors import ConfigError, LabError
from tunnel.lab import Lab, aio
from tunnel.lab.channel import Channel

T = TypeVar("T")
PAIR = """
name = "pair"
[nodes.a]
[nodes.b]
[[links]]
endpoints = ["a:eth0", "b:eth0"]
address = ["10.0.0.1/24", "fd00::1/64"]
peer_address = ["10.0.0.2/24", "fd00::2/64"]
"""
FOREVER = [sys.executable, "-I", "-S", "-c", "import signal; print('begun', flush=True); signal.pause()"]
WITH_CHILD = ["sh", "-c", 'sleep 1000 & echo $!; wait']
STALL_S = 0.02  # a thread that is busy gives the GIL back after 5 ms, and a fork keeps it until the program begins
TRIES = 5  # the machine has other things to do too


@pytest.fixture(autouse=True, scope="module")
def rights() -> None:
    """Skips where there are none. Of the first loop of libuv a pipe for signals stays open."""
    uvloop.new_event_loop().close()
    try:
        Lab().close()
    except LabError as error:
        if error.errno in NO_RIGHTS:
            pytest.skip(str(error))
        raise


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, T]], T]:
    """Runs a coroutine on either loop."""

    def on_loop(coroutine: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=request.param) as runner:
            return runner.run(coroutine)

    return on_loop


def left() -> tuple[set[int], set[str], set[str]]:
    """Threads, children and descriptors of this process."""
    fds = {f"{fd} {os.readlink(f'/proc/self/fd/{fd}')}" for fd in os.listdir("/proc/self/fd") if _is_open(fd)}
    children = set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
    for task in os.listdir("/proc/self/task"):
        children |= set(Path(f"/proc/self/task/{task}/children").read_text().split()) if _lives(task) else set()
    return {thread.ident for thread in threading.enumerate()}, children, fds


def _is_open(fd: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{fd}")


def _lives(task: str) -> bool:
    return os.path.exists(f"/proc/self/task/{task}/children")


@pytest.fixture(autouse=True)
def nothing_left() -> Any:
    """No thread, no process and no descriptor more than before."""
    before = left()
    yield
    for thread in threading.enumerate():
        if thread.name == "lab":
            thread.join(PATIENCE_S)
    assert left() == before


def test_as_the_manual_says(run, tmp_path: Path) -> None:
    file = tmp_path / "pair.toml"
    file.write_text(PAIR)

    async def main() -> None:
        async with Lab.from_file(file, trust=True, private=True) as lab:
            assert set(lab.nodes) == {"a", "b"}
            for address in ("10.0.0.2", "fd00::2"):
                done = await lab["a"].run("ping", "-c", "1", address)
                assert "1 received" in done.stdout

    run(main())


async def longest_stall(work: Awaitable[None]) -> float:
    """How long the loop did not come round at most while ``work`` was done."""
    loop, longest, ending = asyncio.get_running_loop(), 0.0, False

    async def heart() -> None:
        nonlocal longest
        last = loop.time()
        while not ending:
            await asyncio.sleep(0)
            longest, last = max(longest, loop.time() - last), loop.time()

    beating = loop.create_task(heart())
    await work
    ending = True
    await beating
    return longest


def test_the_loop_is_never_kept_waiting(run, tmp_path: Path) -> None:
    file = tmp_path / "pair.toml"
    file.write_text(PAIR)

    async def work() -> None:
        async with Lab.from_file(file, trust=True, private=True) as lab:
            await lab["a"].run("ping", "-c", "1", "10.0.0.2")
            async with await lab["b"].start(*FOREVER) as program:
                assert await program.line() == "begun"

    async def main() -> float:
        return await longest_stall(work())

    stalls = []
    while not stalls or (min(stalls) > STALL_S and len(stalls) < TRIES):
        stalls.append(run(main()))
    assert min(stalls) <= STALL_S, stalls


def test_nothing_forks_or_asks_on_the_loop_s_thread(run, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: dict[str, set[int]] = {"fork": set(), "receive": set(), "wait": set()}

    def noted(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            threads[what].add(threading.get_ident())
            return function(*args, **options)

        return call

    monkeypatch.setattr(subprocess, "_fork_exec", noted("fork", subprocess._fork_exec))  # type: ignore[attr-defined]
    monkeypatch.setattr(Channel, "receive", noted("receive", Channel.receive))
    monkeypatch.setattr(subprocess.Popen, "wait", noted("wait", subprocess.Popen.wait))
    filtering = PAIR + '[bridges.br0]\nvlan_filtering = true\n'

    async def main() -> None:
        async with Lab.from_text(PAIR) as lab:
            await lab["a"].run("true")
            await (await lab.node("c")).sysctl("net.ipv4.ip_forward", 1)
        try:
            async with Lab.from_text(filtering) as lab:
                await lab["a"].run("true")
        except ConfigError as error:
            assert "VLAN" in str(error)

    run(main())
    assert all(threads.values()), threads
    assert not any(threading.get_ident() in found for found in threads.values()), threads


def test_a_lab_by_hand(run) -> None:
    async def main() -> None:
        async with Lab.from_text('name = "x"') as lab:
            a, b, c = [await lab.node(name) for name in "abc"]
            await lab.link((a, "eth0"), (b, "eth0"), mtu=1400)
            await b.move("eth0", c)
            await asyncio.gather(a.address("eth0", "10.0.0.1/24"), c.address("eth0", "10.0.0.2/24"))
            await asyncio.gather(a.up("eth0"), c.up("eth0"))
            assert (await c.interface("eth0")).mtu == 1400
            await a.run("ping", "-c", "1", "10.0.0.2")
            with await c.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.bind(("10.0.0.2", 0))
            await a.delete("eth0")
            with pytest.raises(LabError, match="node c, eth0: look at it: .*no such interface") as caught:
                await c.interface("eth0")
            assert caught.value.errno == errno.ENODEV
            assert await lab.processes() == []

    run(main())


def test_a_program_is_spoken_to(run) -> None:
    async def main() -> None:
        async with Lab.from_text(PAIR) as lab:
            async with await lab["a"].start("sh", "-c", "while read x; do echo $x $x; done; exit 3") as program:
                program.stdin.write(b"one\ntwo\n")
                assert [await program.line(), await program.line()] == ["one one", "two two"]
                program.stdin.close()
                assert [line async for line in program] == []
                assert await program.wait() == program.returncode == 3
            done = await lab["a"].run("sh", "-c", "cat; echo $GIVEN >&2; exit 1", check=False, text_input="x" * 100_000)
            assert (done.returncode, len(done.stdout), done.stderr) == (1, 100_000, "\n")
            program = await lab["b"].start("sh", "-c", "echo $GIVEN; echo bad >&2; pwd", env={"GIVEN": "y"}, cwd="/")
            assert [line async for line in program] == ["y", "bad", "/"]
            other = await lab["b"].start(*FOREVER)
            assert await other.line() == "begun"
            other.terminate()
            assert await other.wait() == -signal.SIGTERM
            await lab["b"].start(*FOREVER)  # the lab's end ends it

    run(main())


def test_failures_are_told(run) -> None:
    async def main() -> None:
        async with Lab.from_text(PAIR) as lab:
            for match, command, options in (
                ("node a: false: ended with 1: ", ["false"], {}),
                ("node a: nonesuch is not installed", ["nonesuch"], {}),
                ("node a: sleep 100: not done after 0.05 s", ["sleep", "100"], {"timeout_s": 0.05}),
            ):
                with pytest.raises(LabError, match=match):
                    await lab["a"].run(*command, **options)
            with pytest.raises(LabError, match="node a, eth0: add address 10.0.0.1/24: ") as caught:
                await lab["a"].address("eth0", "10.0.0.1/24")
            assert caught.value.errno == errno.EEXIST
            with pytest.raises(LabError, match="node c: the lab has none of that name; it has a, b"):
                lab["c"]
        with pytest.raises(LabError, match="the lab has ended or was closed"):
            await lab.node("c")

    run(main())


def test_a_failure_inside_ends_the_lab(run) -> None:
    async def main() -> None:
        async with Lab.from_text(PAIR) as lab:
            await lab["a"].start(*FOREVER)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(main())


def test_two_at_once_are_strangers(run) -> None:
    async def reach(lab: aio.Lab) -> str:
        await lab["a"].run("ping", "-c", "1", "10.0.0.2")
        return os.readlink(lab["a"].blocking.path)

    async def main() -> None:
        async with Lab.from_text(PAIR) as one, Lab.from_text(PAIR) as two:
            assert len(set(await asyncio.gather(reach(one), reach(two)))) == 2
        blueprint = Lab.from_text(PAIR)
        async with blueprint:
            with pytest.raises(LabError, match="this lab is up already"):
                await blueprint.__aenter__()
        async with blueprint as again:
            await again["a"].run("true")

    run(main())


def gone(pid: int) -> bool:
    return not os.path.exists(f"/proc/{pid}")


def test_a_cancelled_program_is_killed_with_what_it_started(run) -> None:
    async def main() -> None:
        async with Lab.from_text(PAIR) as lab:
            program = await lab["a"].start(*WITH_CHILD)
            child = int(await program.line())
            await program.close()
            assert gone(program.pid)
            task = asyncio.create_task(lab["a"].run(*FOREVER))
            while not lab["a"]._programs:
                await asyncio.sleep(0)
            (running,) = lab["a"]._programs
            task.cancel()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert gone(running.pid)
            assert not lab["a"]._programs
            assert Path(f"/proc/{child}/stat").read_text().split()[2] == "Z" if not gone(child) else True

    run(main())


def test_cancelled_at_any_moment(run) -> None:
    """A run takes a hundred turns of the loop or so; at each of the first it is cancelled once."""

    async def main() -> None:
        async with Lab.from_text(PAIR) as lab:
            await lab["a"].run("true")
            before = left()[2]
            for turns in range(60):
                task = asyncio.create_task(lab["a"].run("true"))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                assert task.cancelled() or not task.exception()
            assert left()[2] == before

    run(main())


@pytest.mark.parametrize("moment", ["at once", "holder", "program"])
def test_a_lab_is_cancelled_while_it_is_built(run, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = PAIR.replace("[nodes.b]", '[nodes.b]\nrun = [{ command = ["sleep", "1000"], ready = { exit = true } }]')
    begun = threading.Event()
    start = "tunnel.lab.starting.start_holder" if moment == "holder" else "tunnel.lab.programs.start_all"
    module, _, name = start.rpartition(".")
    original = getattr(sys.modules[module], name)

    def noted(*args: Any) -> Any:
        begun.set()
        return original(*args)

    monkeypatch.setattr(start, noted)

    async def build() -> None:
        async with Lab.from_text(slow):
            raise AssertionError("it was to be cancelled")

    async def main() -> None:
        task = asyncio.create_task(build())
        await asyncio.sleep(0)
        while moment != "at once" and not begun.is_set():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(PATIENCE_S):
                await task

    run(main())
