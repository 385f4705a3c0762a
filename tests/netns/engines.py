"""Engines of the command line inside the nodes of a lab."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from tunnel.counters import Ledger, engine_imbalance
from tunnel.lab.node import Node
from tunnel.lab.readiness import await_line

PATIENCE_S = 10.0


class Running:
    """``tunnel WORDS`` in a node; ``ledger`` is there once it has ended."""

    def __init__(self, node: Node, *words: str) -> None:
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
def running(node: Node, *words: str) -> Iterator[Running]:
    """An engine with ``--json``, killed at the end unless the test has stopped it."""
    engine = Running(node, *words, "--json")
    try:
        yield engine
    finally:
        if engine.process.poll() is None:
            engine.process.kill()
            engine.process.communicate()


def failing(node: Node, *words: str) -> tuple[int, str]:
    """Exit status and stderr of a command that is to fail at once, without a traceback."""
    done = node.run([sys.executable, "-m", "tunnel", *words], check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode != 0, done.stdout
    return done.returncode, done.stderr
