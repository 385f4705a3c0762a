"""A graph run as a program: signals, durations, the loop that is not there."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from tests.unit.handlers.test_impair import numbered
from tests.unit.site import LOOPS, PATIENCE_S, Site, turn, wire
from tunnel import service
from tunnel.errors import ConfigError, TunnelError
from tunnel.handlers.impair import Impair
from tunnel.handlers.wire import Wire


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


def impaired(**options: Any) -> Site:
    return Site("a -- i.a", "i.b -- b", "c -- w.a", "w.b -- d", i=Impair(delay_ms=20), w=Wire(), options=options)


def told(site: Site, verb: str, argument: Any = None) -> Any:
    found = service.verbs(site.engine)[verb]
    return found.answer() if argument is None else found.answer(msgspec.convert(argument, found.argument))


def test_the_handlers_and_their_options_are_told():
    found = told(impaired(), "handlers")
    assert found["w"] == {"type": "Wire", "options": None}
    assert found["i"]["type"] == "Impair"
    assert (found["i"]["options"]["delay_ms"], found["i"]["options"]["back"]) == (20, None)
    assert json.loads(json.dumps(found)) == found


def test_a_handler_s_options_are_changed_while_packets_are_under_way(loop: str):
    site = impaired()

    async def scenario() -> None:
        site.put("a", numbered(3))
        while site.graph.handlers["i"].counts()["held"]["packets"] < 3:
            await turn()
        now = told(site, "change", {"handler": "i", "options": {"loss_pct": 100, "back": {"delay_ms": 2}}})
        assert (now["options"]["loss_pct"], now["options"]["back"]["delay_ms"]) == (100, 2)
        assert now == told(site, "handlers")["i"]
        assert len(await site.out("b", 3)) == 3
        site.put("a", numbered(1))
        site.put("b", numbered(1, 101))
        assert await site.out("a", 1) == numbered(1, 101)

    site.run(loop, scenario)
    assert site.graph.handlers["i"].counts()["drops"]["LOST"]["packets"] == 1


@pytest.mark.parametrize(("asked", "error"), [
    ({"handler": "x", "options": {}}, "change: no handler 'x', expected one of i, w"),
    ({"handler": "w", "options": {}}, "change: w: options of Wire are set once, expected i"),
    ({"handler": "i", "options": {"jitter_ms": 1}}, "impair: jitter_ms: at most"),
    ({"handler": "i", "options": {"colour": 1}}, "impair: .*colour"),
])  # fmt: skip
def test_a_change_that_cannot_be_made(asked: dict[str, Any], error: str):
    site = impaired()
    before = told(site, "handlers")
    with pytest.raises(ConfigError, match=error):
        told(site, "change", asked)
    assert told(site, "handlers") == before


def test_workers_are_not_changed():
    with pytest.raises(ConfigError, match="change: this is one of 2 workers, .*expected an engine with workers = 1"):
        told(impaired(workers=2), "change", {"handler": "i", "options": {}})
