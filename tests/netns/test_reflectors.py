"""Reflectors that strangers can reach: behind a UDP socket and on a wire."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.netns.engines import received, running
from tests.netns.sites import graph
from tests.netns.test_faults import answers
from tunnel.lab import Lab

REFLECTOR = """
[devices.wan]
type = "udp"
listen = "192.0.2.2:9000"
[handlers.echo]
type = "echo"
reflect_udp = true
local_port = 9000
[graph]
links = ["wan -- echo"]
"""
ON_A_WIRE = """
[devices.sw0]
type = "packet_socket"
[handlers.echo]
type = "echo"
addresses = ["10.9.0.9"]
reflect_udp = true
[graph]
links = ["sw0 -- echo"]
"""


def test_a_reflector_behind_a_udp_socket(lab: Lab, tmp_path: Path):
    west, east = lab.node("west"), lab.node("east")
    lab.link((west, "eth0"), (east, "eth0"))
    for number, node in enumerate((west, east), 1):
        node.address("eth0", f"192.0.2.{number}/24")
        node.up("eth0")
    with (
        running(east, "run", graph(tmp_path, REFLECTOR)) as engine,
        west.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        sock.connect(("192.0.2.2", 9000))
        sock.settimeout(2)
        for data in (b"a", bytes(1400), bytes(9000)):
            sock.send(data)
            assert sock.recv(10_000) == data
        for _ in range(5000):
            sock.send(b"flood")
        sock.settimeout(0.3)
        reflected = len(received(sock))
        echo = engine.stop()["handlers"]["echo"]
    assert echo["tx"]["packets"] == reflected + 3
    assert echo["drops"]["RATE"]["packets"] + reflected == 5000
    assert echo["drops"]["RATE"]["packets"] > 1000


def test_a_reflector_on_a_wire_is_bounded_unless_told(lab: Lab, tmp_path: Path):
    switch, left = lab.node("switch"), lab.node("left")
    lab.link((left, "eth0"), (switch, "sw0"))
    left.address("eth0", "10.9.0.1/24")
    left.up("eth0")
    switch.up("sw0")
    for rate, bounded in (("", True), ("rate = 0", False)):
        file = graph(tmp_path, ON_A_WIRE.replace("reflect_udp", f"{rate}\nreflect_udp"))
        with running(switch, "run", file) as engine, left.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            assert answers(left, "10.9.0.9")
            sock.connect(("10.9.0.9", 6000))
            for _ in range(3000):
                sock.send(b"flood")
            sock.settimeout(0.3)
            reflected = len(received(sock))
            assert ("RATE" in engine.stop()["handlers"]["echo"]["drops"]) == bounded
            assert (0 < reflected < 2000) if bounded else reflected
