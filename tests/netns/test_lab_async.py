"""The lab on a loop: nothing waits there, and every verb is awaited."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.netns.loops import PAIR, nothing_left, rights, run, turn
from tunnel.errors import ConfigError, LabError
from tunnel.lab import Lab, aio
from tunnel.lab.channel import Channel

__all__ = ["nothing_left", "rights", "run"]

FOREVER = [sys.executable, "-I", "-S", "-c", "import signal; print('begun', flush=True); signal.pause()"]
STALL_S = 0.02  # a thread that is busy gives the GIL back after 5 ms, and a fork keeps it until the program begins
TRIES = 5  # the machine has other things to do too


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
            await turn()
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

    stalls: list[float] = []
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
        with suppress(ConfigError):  # a kernel without, which is tried in a lab
            async with Lab.from_text(filtering) as lab:
                await lab["a"].run("true")

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
