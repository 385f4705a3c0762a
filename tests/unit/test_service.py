"""A graph run as a program: signals, durations, the loop that is not there."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.unit.site import LOOPS, PATIENCE_S, wire
from tunnel import service
from tunnel.errors import TunnelError


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


PROGRAM = """
import asyncio, signal, sys
from tunnel import service
from tunnel.devices.memory import Memory
from tunnel.graph import Graph
from tunnel.handlers.wire import Wire
import msgspec

graph = Graph()
graph.engine = msgspec.structs.replace(graph.engine, loop=sys.argv[1])
left, right = Memory.pair()
graph.add(left, "left"), graph.add(right, "right"), graph.add(Wire(), "wire")
graph.link("left -- wire.a"), graph.link("wire.b -- right")
ledger = service.run(graph, started=lambda: print("running", f"{sys.getswitchinterval():.4f}", flush=True))
print("ended", left.fd, right.fd, sorted(ledger["devices"]))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(loop: str, number: signal.Signals):
    with subprocess.Popen([sys.executable, "-c", PROGRAM, loop], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE_S)[0] == "ended -1 -1 ['left', 'right']\n"
    assert (first, process.returncode) == ("running 0.0001\n", 0)


def test_a_duration_ends_it(loop: str):
    site = wire(loop=loop)
    interval = sys.getswitchinterval()
    try:
        ledger = service.run(site.graph, duration_s=0.01)
    finally:
        sys.setswitchinterval(interval)
    assert set(ledger["devices"]) == {"a", "b"}


def test_without_uvloop_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)
    interval = sys.getswitchinterval()
    try:
        with pytest.raises(TunnelError, match="--loop asyncio"):
            service.run(wire().graph)
    finally:
        sys.setswitchinterval(interval)
