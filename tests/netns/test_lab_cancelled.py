"""Tasks of a lab that are cancelled, at any moment: nothing is left of them."""

from __future__ import annotations

import asyncio
import os
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.netns.engines import PATIENCE_S
from tests.netns.loops import PAIR, left, nothing_left, rights, run, turn
from tunnel.lab import Lab

__all__ = ["nothing_left", "rights", "run"]

FOREVER = ["sleep", "1000"]
WITH_CHILD = ["sh", "-c", "sleep 1000 & echo $!; wait"]


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
                await turn()
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
                    await turn()
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
    original = getattr(import_module(module), name)

    def noted(*args: Any) -> Any:
        begun.set()
        return original(*args)

    monkeypatch.setattr(start, noted)

    async def build() -> None:
        async with Lab.from_text(slow):
            raise AssertionError("it was to be cancelled")

    async def main() -> None:
        task = asyncio.create_task(build())
        await turn()
        while moment != "at once" and not begun.is_set():
            await turn()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(PATIENCE_S):
                await task

    run(main())
