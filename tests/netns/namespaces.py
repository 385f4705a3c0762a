"""``tunnel netns`` and ``ip netns`` side by side, for processes inside a node (``alone``): /run is the lab's."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

WAIT_S = 20.0
OURS = (sys.executable, "-m", "tunnel", "netns")
THEIRS = ("ip", "netns")
Tool: TypeAlias = Callable[..., str]


def run(*command: str, status: int = 0, text: str = "", **env: str) -> str:
    """What it prints, errors included; it must end with ``status``."""
    done = subprocess.run(
        command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=WAIT_S, check=False,
        env={**os.environ, **env},
    )  # fmt: skip
    assert done.returncode == status, f"{command}: ended with {done.returncode}: {done.stdout}"
    assert "Traceback" not in done.stdout, done.stdout
    return done.stdout


def ours(*words: str, status: int = 0, text: str = "", **env: str) -> str:
    return run(*OURS, *words, status=status, text=text, **env)


def theirs(*words: str, status: int = 0, text: str = "", **env: str) -> str:
    return run(*THEIRS, *words, status=status, text=text, **env)


COMMAND = {ours: OURS, theirs: THEIRS}


def our_list() -> dict[str, Any]:
    """Names and ids, as ``tunnel netns list`` tells them."""
    return {one["name"]: one["nsid"] for one in json.loads(ours("list", "-j"))}


def their_list() -> dict[str, Any]:
    """The same from ``ip netns``."""
    return {one["name"]: one.get("id") for one in json.loads(run("ip", "-j", "netns") or "[]")}


def net() -> str:
    """Where this thread stands."""
    return os.readlink("/proc/thread-self/ns/net")


@contextmanager
def living(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A program behind ``command`` that lives as long as the block."""
    with subprocess.Popen(
        [*command, "sh", "-c", "echo; read x"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        assert process.stdout.readline() == "\n"
        yield process
        process.stdin.close()


@contextmanager
def watching(*command: str, makes: Tool, last: str = "delete last\n") -> Iterator[subprocess.Popen[str]]:
    """A monitor that has begun to look: ``makes`` lets names come and go until it has seen one, then the
    ``last`` of them. Its output is to be read by ``heard``."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1) as process:
        try:
            assert process.stdout
            while not select.select([process.stdout], [], [], 0.05)[0]:
                makes("add", "first")
                makes("delete", "first")
            makes("add", "last")
            makes("delete", "last")
            while heard(process) != last:
                pass
            yield process
        finally:
            process.terminate()


def heard(process: subprocess.Popen[str]) -> str:
    """The next line."""
    assert process.stdout
    line = process.stdout.readline()
    assert line, "it has ended"
    return line
