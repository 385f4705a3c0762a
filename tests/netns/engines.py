"""Engines of the command line inside the nodes of a lab."""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any, Protocol, cast

from tunnel.counters import Ledger, engine_imbalance
from tunnel.lab.node import Node
from tunnel.lab.readiness import await_line

PATIENCE_S = 10.0


class Starts(Protocol):
    """A node, or ``Here``."""

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]: ...


class Here:
    """Starts programs where this process is: for tests that run inside a node themselves."""

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        return subprocess.Popen(command, **options)


class Running:
    """``tunnel WORDS`` in a node; ``ledger`` is there once it has ended."""

    def __init__(self, node: Starts, *words: str) -> None:
        self.ledger: Ledger | None = None
        self.process = node.popen(
            [sys.executable, "-m", "tunnel", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        await_line(self.process, "running: ")

    def stop(self) -> Ledger:
        """SIGTERM; its ledger, which must be balanced."""
        self.process.terminate()
        status, errors = self.wait()
        assert status == 0, errors
        assert self.ledger is not None and engine_imbalance(self.ledger) == 0
        return self.ledger

    def wait(self) -> tuple[int, str]:
        """Its exit status and what it said, once it ends by itself."""
        out, errors = self.process.communicate(timeout=PATIENCE_S)
        if out:
            self.ledger = cast(Ledger, json.loads(out))
        return self.process.returncode, errors


@contextmanager
def running(node: Starts, *words: str) -> Iterator[Running]:
    """An engine with ``--json``, killed at the end unless the test has stopped it."""
    engine = Running(node, *words, "--json")
    try:
        yield engine
    finally:
        if engine.process.poll() is None:
            engine.process.kill()
            engine.process.communicate()


def failing(node: Node, *words: str, within: Sequence[str] = ()) -> tuple[int, str]:
    """Exit status and stderr of a command that is to fail at once, without a traceback or a trace.

    ``within`` are the words of a program that runs it.
    """
    before = interfaces(node)
    done = node.run([*within, sys.executable, "-m", "tunnel", *words], check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode != 0, done.stdout
    assert all(line.startswith("tunnel: ") for line in done.stderr.splitlines()), done.stderr
    assert interfaces(node) == before
    return done.returncode, done.stderr


def interfaces(node: Node) -> set[str]:
    """The names of a node's interfaces."""
    lines = node.run(["cat", "/proc/net/dev"]).stdout.splitlines()[2:]
    return {line.split(":")[0].strip() for line in lines}


def until(condition: Callable[[], bool]) -> None:
    """Look again and again, at most ``PATIENCE_S`` long."""
    limit = monotonic() + PATIENCE_S
    while not condition():
        assert monotonic() < limit, "it does not come about"
        select.select([], [], [], 0.02)


def received(sock: socket.socket) -> list[bytes]:
    """All that comes until nothing does."""
    found = []
    try:
        while True:
            found.append(sock.recv(2048))
    except TimeoutError:
        return found
