"""``tunnel echo``: real pings and datagrams, answered on a TUN and on a TAP."""

from __future__ import annotations

import socket

import pytest

from tests.netns.engines import running
from tunnel.lab import Lab
from tunnel.lab.probe import ping


@pytest.mark.parametrize("kind", ["tun", "tap"])
@pytest.mark.parametrize(("own", "other"), [("10.7.0.1/24", "10.7.0.9"), ("fd07::1/64", "fd07::9")])
def test_every_address_behind_it_answers(lab: Lab, kind: str, own: str, other: str):
    node = lab.node("a")
    with running(node, "echo", "e0", "--address", own, *(["--tap"] if kind == "tap" else [])) as engine:
        assert len(ping(node, other, count=10, interval_s=0.02).rtts_s) >= 9  # TAP: the first may resolve
        assert engine.stop()["handlers"]["echo"]["tx"]["packets"] >= 9


@pytest.mark.parametrize(("own", "other"), [("10.7.0.1/24", "10.7.0.9"), ("fd07::1/64", "fd07::9")])
def test_datagrams_come_back(lab: Lab, own: str, other: str):
    node = lab.node("a")
    family = socket.AF_INET6 if ":" in own else socket.AF_INET
    with running(node, "echo", "e0", "--address", own, "--reflect-udp"), node.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.bind((own.split("/", maxsplit=1)[0], 5000))
        sock.connect((other, 6000))
        for size in (1, 64, 1300):
            data = (bytes(range(256)) * 6)[:size]
            sock.send(data)
            assert sock.recv(4096) == data


def test_udp_is_not_reflected_unless_asked(lab: Lab):
    node = lab.node("a")
    with running(node, "echo", "e0", "--address", "10.7.0.1/24") as engine:
        with node.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.2)
            sock.connect(("10.7.0.9", 6000))
            sock.send(b"hello")
            with pytest.raises(TimeoutError):
                sock.recv(100)
        assert engine.stop()["handlers"]["echo"]["drops"]["NOT_ANSWERED"]["packets"] >= 1


@pytest.mark.parametrize("address", ["10.7.0.255", "255.255.255.255", "224.0.0.77"])
def test_broadcasts_and_groups_are_never_answered(lab: Lab, address: str):
    node = lab.node("a")
    with running(node, "echo", "e0", "--address", "10.7.0.1/24", "--reflect-udp") as engine:
        with node.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"e0")
            sock.bind(("10.7.0.1", 5000))
            sock.sendto(b"hello", (address, 6000))
            sock.sendto(b"hello", ("10.7.0.9", 6000))
            assert sock.recvfrom(100) == (b"hello", ("10.7.0.9", 6000))
        counts = engine.stop()["handlers"]["echo"]
        assert (counts["tx"]["packets"], counts["drops"]["NOT_ANSWERED"]["packets"] >= 1) == (1, True)
