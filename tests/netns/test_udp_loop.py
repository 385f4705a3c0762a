"""The benchmark's bare C loop carries what it is given, and understands our engine: a third party's GSO and GRO."""

from __future__ import annotations

import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6

from bench.tools import tool
from tests.netns.engines import interfaces, running, until
from tests.netns.integrity import ADDRESSES, LINES, MTU, PREFIXES, carried, counters, graph, hosts, up
from tunnel.lab import Lab, Node

SIZE = 8 << 20
UDP_SEGMENT = 103  # linux/udp.h
RUN = 5


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tool("peers/udp_loop.c", tmp_path_factory.mktemp("built"))


@contextmanager
def looping(program: str, node: Node, here: int) -> Iterator[None]:
    """The loop of one end, 1 or 2."""
    words = [program, "tun0", f"192.0.2.{here}", f"192.0.2.{3 - here}", "9000"]
    process = node.popen(words, stderr=subprocess.PIPE, text=True)
    try:
        until(lambda: "tun0" in interfaces(node))
        node.set("tun0", mtu=MTU, txqueuelen=1000)
        node.address("tun0", *(f"{text.format(here)}/{PREFIXES[family]}" for family, text in ADDRESSES.items()))
        yield
        assert process.poll() is None, process.stderr.read()
    finally:
        process.terminate()
        process.communicate()


def both_ways(west: Node, east: Node) -> None:
    for here, node in enumerate((west, east), 1):
        up(node, here)
    for address in ADDRESSES.values():
        carried(west, east, address.format(2), SIZE)
        carried(east, west, address.format(1), SIZE)


def test_two_loops(lab: Lab, program: str):
    west, east = hosts(lab)
    with looping(program, west, 1), looping(program, east, 2):
        both_ways(west, east)
    assert all(counters(node)["Tcp.InCsumErrors"] == 0 for node in (west, east))


@pytest.mark.parametrize("line", ["clean", "corruption-1"])
def test_a_loop_and_an_engine(lab: Lab, tmp_path: Path, program: str, line: str):
    west, east = hosts(lab)
    with running(west, "run", graph(tmp_path, 1, LINES[line])) as engine, looping(program, east, 2):
        both_ways(west, east)
        drops = engine.stop()["handlers"]["tunnel"]["drops"]
    assert (counters(east)["Tcp.InCsumErrors"] > 0) == (line == "corruption-1")
    assert drops == {} or line == "corruption-1"


def run_of_segments(family: int, corrupted: int | None) -> list[bytes]:
    """TCP segments of one flow in a row; a bit of the payload of one is flipped."""
    ip = IP(src="10.8.0.1", dst="10.8.0.2", flags="DF") if family == 4 else IPv6(src="fd08::1", dst="fd08::2")
    made = [bytes(ip / TCP(sport=1, dport=2, seq=100 * i, flags="A") / bytes(100)) for i in range(RUN)]
    return [data[:-1] + b"\1" if i == corrupted else data for i, data in enumerate(made)]


@pytest.mark.parametrize("corrupted", [None, 0, 2, RUN - 1])
@pytest.mark.parametrize("family", ADDRESSES)
def test_a_run_is_joined_and_what_is_corrupt_stays_so(lab: Lab, program: str, family: int, corrupted: int | None):
    west, east = hosts(lab)
    segments = run_of_segments(family, corrupted)
    with looping(program, east, 2), west.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        up(east, 2)
        sender.connect(("192.0.2.2", 9000))
        length = struct.pack("H", len(segments[0]))
        sender.sendmsg(segments, [(socket.IPPROTO_UDP, UDP_SEGMENT, length)])
        joined = {None: 1, 0: 2, 2: 3, RUN - 1: 2}[corrupted]
        until(lambda: counters(east)["Tcp.InSegs"] == joined)
        assert east.statistics("tun0")["rx_packets"] == joined
        assert counters(east)["Tcp.InCsumErrors"] == (corrupted is not None)
