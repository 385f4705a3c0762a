"""The lab files of the examples, built with real traffic, and what each command does with a lab that is up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.netns.machine import IS_ROOT, alone, require_same, said, state, tunnel
from tests.netns.test_lab_capture import captured, fields, needs_tshark
from tunnel.lab import Lab
from tunnel.lab.probe import Echoes, ping
from tunnel.lab.waves import Matrix, measure

FOLDER = Path(__file__).parents[2] / "examples" / "labs"
FILES = sorted(file.stem for file in FOLDER.glob("*.toml"))
READY_S = 50.0  # spanning tree and handshakes that collide, included


def test_every_file_is_here() -> None:
    assert {"three-namespaces", "tap-beside-veths", "tun-routed", "two-offices", "campus"} <= set(FILES)


def all_answer(ask: Callable[[], Matrix]) -> Matrix:
    """A matrix in which every pair answers, in both families. The first answers may wait for a handshake, so
    they are asked once more."""
    until = time.monotonic() + READY_S
    while (found := ask()).failed:
        lost = [f"{one.source} to {one.target} ({one.address})" for one in found.failed]
        assert time.monotonic() < until, f"no answer: {', '.join(lost)}"
    assert {one.version for one in found.reaches} == {4, 6}
    return ask()


def rtt_ms(found: Matrix, source: str, target: str, version: int = 4) -> float:
    """The shortest of a pair."""
    one = next(one for one in found.reaches if (one.source, one.target, one.version) == (source, target, version))
    return 1000 * one.rtts_s[0]


@pytest.mark.parametrize("name", FILES)
def test_a_private_lab(name: str) -> None:
    with Lab.from_file(FOLDER / f"{name}.toml", trust=True, private=True) as lab:
        assert lab.topology
        topology = lab.topology
        found = all_answer(lambda: measure(topology, lab.nodes, count=4, interval_s=0.02, timeout_s=0.5))
    if name == "two-offices":
        assert 37 < rtt_ms(found, "w1", "e1") < 60 and rtt_ms(found, "w1", "w2") < 5
    if name == "campus":
        assert 10 <= rtt_ms(found, "h11", "h31", 6) < 20 and rtt_ms(found, "h31", "h32") < 5


@needs_tshark
def test_the_line_between_the_offices_shows_nothing_but_the_tunnel(tmp_path: Path) -> None:
    with Lab.from_file(FOLDER / "two-offices.toml", trust=True, private=True) as lab:
        assert lab.topology
        topology, echoes = lab.topology, list[Echoes]()
        all_answer(lambda: measure(topology, lab.nodes, count=4, interval_s=0.02, timeout_s=0.5))
        captured(
            lab["west"], "wan",
            lambda: echoes.extend(ping(lab["w1"], to, count=5, interval_s=0.1) for to in ("10.2.0.1", "fd00:2::1")),
            tmp_path / "line",
        )  # fmt: skip
    assert all(echo.rtts_s for echo in echoes)
    ports = fields(tmp_path / "line", "udp.srcport", "udp.dstport", where="ip || ipv6 && !icmpv6")
    assert len(ports) >= 20 and all(pair == ["51820", "51820"] for pair in ports)
    assert fields(tmp_path / "line", "frame.number", where="icmp || icmpv6.type == 128 || icmpv6.type == 129") == []


@pytest.mark.parametrize("name", FILES)
def test_by_the_command(name: str) -> None:
    alone(up_and_down, name, ordinary=not IS_ROOT)


def up_and_down(name: str) -> None:
    before, file = state(), str(FOLDER / f"{name}.toml")
    tunnel("lab", "up", "--trust-file", file)
    until = time.monotonic() + READY_S
    while lost := [pair for pair in json.loads(said("lab", "ping", "-j"))["pairs"] if not pair["received"]]:
        assert time.monotonic() < until, lost
    for node in json.loads(tunnel("lab", "show", "-j"))["nodes"]:
        assert all(one["state"] in ("running", "ended with 0") for one in node["processes"]), node
    tunnel("lab", "down", file)
    require_same(before, name)
