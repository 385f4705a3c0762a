"""``tunnel run`` and the other commands that run an engine, on devices that need no rights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.calls import call, graph_file, spawn
from tunnel import offloads
from tunnel.graph import Graph


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Graph, dict[str, Any]]]:
    """What was given to ``service.run``, which does nothing."""
    given: list[tuple[Graph, dict[str, Any]]] = []

    def run(graph: Graph, **options: Any) -> dict[str, Any]:
        graph.check()
        given.append((graph, options))
        return {"devices": {}}

    monkeypatch.setattr("tunnel.service.run", run)
    return given


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_graph_runs_for_its_time_and_prints_its_ledger(tmp_path: Path, loop: str) -> None:
    ended = spawn("run", graph_file(tmp_path), "--trust-file", "--for", "0.01", "--loop", loop, "-j")
    assert (ended.status, ended.err) == (0, "running: a -> b, b -> a\n")
    ledger = json.loads(ended.out)
    assert [*ledger["devices"]] == ["a", "b"]
    assert ledger["handlers"]["two"]["rx"]["packets"] == 0


def test_options_win_over_the_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, ran: list[tuple[Graph, dict[str, Any]]]
) -> None:
    file = graph_file(tmp_path)
    with Path(file).open("a") as more:
        more.write('[engine]\nloop = "asyncio"\nquarantine_after = 3\n')
    assert call(capsys, "run", "--trust-file", file, "--strict", "--for", "2").status == 0
    assert call(capsys, "run", "--trust-file", file, "--loop", "uvloop").status == 0
    assert call(capsys, "echo", "e0", "--workers", "3").status == 0
    (first, timed), (second, _), (third, _) = ran
    assert (first.engine.workers, third.engine.workers) == (1, 3)
    assert (first.engine.loop, first.engine.strict, first.engine.quarantine_after) == ("asyncio", True, 3)
    assert (second.engine.loop, second.engine.strict) == ("uvloop", False)
    assert timed["duration_s"] == 2.0


@pytest.mark.parametrize(("args", "devices", "links"), [
    (("wire", "tap0", "tap1", "--mtu", "9000"), {"tap0": "Tap", "tap1": "Tap"},
     ["tap0 -> wire.a", "wire.a -> tap0", "tap1 -> wire.b", "wire.b -> tap1"]),
    (("echo", "tun0"), {"interface": "Tun"}, ["interface -> echo.port", "echo.port -> interface"]),
    (("echo", "tap0", "--tap", "--reflect-udp", "--rate", "10"), {"interface": "Tap"},
     ["interface -> echo.port", "echo.port -> interface"]),
    (("udp", "tun0", "--address", "10.8.0.1/24", "--listen", "[::]:9000", "--peer", "192.0.2.1:9000"),
     {"overlay": "Tun", "underlay": "Udp"},
     ["overlay -> tunnel.overlay", "tunnel.overlay -> overlay",
      "tunnel.underlay -> underlay", "underlay -> tunnel.underlay"]),
    (("udp", "tap0", "--tap", "--listen", "[::]:9000", "--learn"), {"overlay": "Tap", "underlay": "Udp"},
     ["overlay -> tunnel.overlay", "tunnel.overlay -> overlay",
      "tunnel.underlay -> underlay", "underlay -> tunnel.underlay"]),
])
def test_a_command_is_a_graph(
    capsys: pytest.CaptureFixture[str],
    ran: list[tuple[Graph, dict[str, Any]]],
    args: tuple[str, ...],
    devices: dict[str, str],
    links: list[str],
) -> None:
    ended = call(capsys, *args)
    assert ended == (0, "", "")
    ((graph, _),) = ran
    assert {name: type(device).__name__ for name, device in graph.devices.items()} == devices
    assert [graph.link_text(link) for link in graph.links] == links


def test_a_name_that_no_interface_can_have(capsys: pytest.CaptureFixture[str]) -> None:
    ended = call(capsys, "echo", "a-name-that-is-too-long", "--for", "0.01")
    assert ended.status == 1
    assert ended.err.startswith("tunnel: interface 'a-name-that-is-too-long': 1 to 15 bytes")


@pytest.mark.parametrize("command", [
    ("wire", "ta", "tb"), ("echo", "t0"), ("udp", "t0", "--listen", "[::]:1", "--learn"),
    ("run", "FILE", "--trust-file"),
])
def test_every_command_that_runs_an_engine_switches_offloads_off(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    ran: list[tuple[Graph, dict[str, Any]]],
    command: tuple[str, ...],
) -> None:
    monkeypatch.setenv(offloads.VARIABLE, "uso")
    words = [graph_file(tmp_path) if word == "FILE" else word for word in command]
    ended = call(capsys, *words, "--no-offload", "gso", "--no-offload", "mmsg")
    assert (ended.status, ended.err, len(ran)) == (0, "", 1)
    assert offloads.switched_off() == {"uso", "gso", "mmsg"}
    assert call(capsys, *words, "--no-offload", "all").status == 0
    assert offloads.switched_off() == {*offloads.NAMES}


def test_a_wrong_switch_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(offloads.VARIABLE, "gzo")
    ended = call(capsys, "run", graph_file(tmp_path), "--trust-file", "--for", "0.01")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == "tunnel: TUNNEL_NO_OFFLOAD: gzo: one of vnet, tso, uso, gso, gro, mmsg, all was expected\n"
    monkeypatch.setenv(offloads.VARIABLE, "")
    ended = call(capsys, "wire", "ta", "tb", "--no-offload", "gzo")
    assert ended.status == 1
    assert "'gzo' is not one of 'vnet', 'tso', 'uso', 'gso', 'gro', 'mmsg', 'all'" in ended.err


def test_what_workers_cannot_share_is_told_with_its_lines(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = graph_file(tmp_path)
    ended = call(capsys, "run", "--trust-file", file, "--workers", "2")
    assert ended.status == 1
    lines = ended.err.splitlines()
    assert [line.rsplit(": ", 2)[0].removeprefix(f"tunnel: {file}:") for line in lines] == ["1", "3", "5"]
    assert all(line.endswith("expected workers = 1") for line in lines)
    with Path(file).open("a") as more:
        more.write("[engine]\nworkers = 2\n")
    assert call(capsys, "check", "--trust-file", file) == (1, "", ended.err)
