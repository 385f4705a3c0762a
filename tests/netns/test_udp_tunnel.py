"""``tunnel udp`` between two hosts: both families inside and out, TUN and TAP."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.netns.engines import failing, running
from tests.netns.sites import cabled
from tunnel.counters import kernel_drops
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping, transfer

OUTER = {4: ("192.0.2.1", "192.0.2.2"), 6: ("[2001:db8::1]", "[2001:db8::2]")}


@pytest.fixture
def hosts(lab: Lab) -> tuple[Node, Node]:
    return cabled(lab, "192.0.2.{}/24", "2001:db8::{}/64")


def words(side: int, outer: int, *more: str) -> list[str]:
    here, there = OUTER[outer][side], OUTER[outer][1 - side]
    inner = ["--address", f"10.8.0.{side + 1}/24", "--address", f"fd08::{side + 1}/64"]
    return ["udp", "tun0", "--mtu", "1400", *inner, "--listen", f"{here}:9000", "--peer", f"{there}:9000", *more]


@pytest.mark.parametrize("kind", ["tun", "tap"])
@pytest.mark.parametrize("outer", [4, 6])
def test_traffic_of_both_families_crosses(hosts: tuple[Node, Node], outer: int, kind: str):
    west, east = hosts
    more = ["--tap"] if kind == "tap" else []
    with ExitStack() as stack:
        engines = [stack.enter_context(running(node, *words(side, outer, *more))) for side, node in enumerate(hosts)]
        for address in ("10.8.0.2", "fd08::2"):
            assert len(ping(west, address, count=10, interval_s=0.02).rtts_s) >= 9  # TAP: the first may resolve
            moved = transfer(west, east, address, seconds=0.3)
            assert moved.intact and moved.size > 100_000
        sent, arrived = (engine.stop()["devices"] for engine in engines)
    assert sent["underlay"]["tx"]["packets"] - arrived["underlay"]["rx"]["packets"] in range(20)


@pytest.fixture
def loose(hosts: tuple[Node, Node]) -> Iterator[tuple[Node, Node]]:
    """A tunnel of MTU 1400 under interfaces that claim 9000."""
    west, east = hosts
    with running(west, *words(0, 4)) as near, running(east, *words(1, 4)) as far:
        for node in hosts:
            node.set("tun0", mtu=9000)
        yield west, east
        near.stop()
        far.stop()


@pytest.mark.parametrize(("family", "address", "headers"), [(2, "10.8.0.2", 40), (10, "fd08::2", 60)])
def test_the_mss_is_what_fits(loose: tuple[Node, Node], family: int, address: str, headers: int):
    west, east = loose
    with east.socket(family, socket.SOCK_STREAM) as listener, west.socket(family, socket.SOCK_STREAM) as client:
        listener.bind((address, 5000))
        listener.listen()
        client.settimeout(5)
        client.connect((address, 5000))
        accepted, _ = listener.accept()
        with accepted:
            for end in (client, accepted):
                # TCP_MAXSEG leaves out the 12 bytes of the timestamps
                assert end.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) == 1400 - headers - 12


@pytest.mark.parametrize("address", ["10.8.0.2", "fd08::2"])
def test_what_is_too_big_is_told(loose: tuple[Node, Node], address: str):
    west, _ = loose
    six = ":" in address
    family, level = (socket.AF_INET6, socket.IPPROTO_IPV6) if six else (socket.AF_INET, socket.IPPROTO_IP)
    discover, mtu = (23, 24) if six else (10, 14)  # IPV6_ and IP_MTU_DISCOVER, _MTU: linux/in6.h, linux/in.h
    with west.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(level, discover, 2)  # PMTUDISC_DO
        sock.settimeout(5)
        sock.connect((address, 9))
        sock.send(bytes(2000))
        with pytest.raises(OSError, match="Message too long"):
            sock.recv(100)
        assert sock.getsockopt(level, mtu) == 1400


def test_a_learnt_peer(hosts: tuple[Node, Node]):
    west, east = hosts
    learning = ["udp", "tun0", "--address", "10.8.0.2/24", "--listen", "192.0.2.2:9000", "--learn"]
    with running(west, *words(0, 4)), running(east, *learning) as learner:
        assert len(ping(west, "10.8.0.2", count=5, interval_s=0.02).rtts_s) == 5
        learner.stop()


def test_a_stranger_is_counted_and_not_answered(hosts: tuple[Node, Node]):
    west, east = hosts
    with running(east, *words(1, 4)) as engine, west.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("192.0.2.1", 4000))
        stranger.settimeout(0.2)
        for _ in range(3):
            stranger.sendto(bytes(40), ("192.0.2.2", 9000))
        with pytest.raises(TimeoutError):
            stranger.recv(2048)
        assert engine.stop()["handlers"]["tunnel"]["drops"]["STRANGER"]["packets"] == 3


def test_what_a_flooded_socket_loses_is_in_the_ledger(hosts: tuple[Node, Node]):
    west, east = hosts
    with running(east, *words(1, 4)) as engine, west.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
        engine.process.send_signal(19)  # SIGSTOP: nobody reads the socket
        flood.connect(("192.0.2.2", 9000))
        sent = sum(flood.send(bytes(1400)) > 0 for _ in range(20_000))
        engine.process.send_signal(18)  # SIGCONT
        east.run(["true"])
        flood.send(b"after")
        while east.statistics("eth0")["rx_packets"] < sent:
            pass
        ledger = engine.stop()
    received = ledger["devices"]["underlay"]["rx"]["packets"]
    assert received + kernel_drops(ledger) == sent + 1
    assert received < sent, "the flood was too small to overrun the socket"


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (["udp", "tun0", "--listen", "192.0.2.1:9000", "--peer", "nowhere"], 1, "ADDR:PORT"),
        (["udp", "tun0", "--listen", "192.0.2.1:9000"], 1, "--peer or --learn"),
        (["udp", "a-name-of-16-byte", "--listen", "192.0.2.1:9000", "--learn"], 1, "1 to 15"),
        (["udp", "eth0", "--listen", "192.0.2.1:9000", "--learn"], 2, "interface eth0"),
        (["udp", "tun0", "--mtu", "10", "--listen", "192.0.2.1:9000", "--learn"], 1, "mtu"),
        (["udp", "tun0", "--listen", "192.0.2.77:9000", "--learn"], 2, "192.0.2.77"),
        (["udp", "tun0", "--address", "10.8.0.1/99", "--listen", "192.0.2.1:9000", "--learn"], 1, "10.8.0.1/99"),
    ],
)
def test_mistakes(hosts: tuple[Node, Node], command: list[str], status: int, said: str):
    west, _ = hosts
    found, errors = failing(west, *command)
    assert (found, said in errors) == (status, True), errors
    assert "tun0" not in west.run(["cat", "/proc/net/dev"]).stdout


def test_a_port_in_use(hosts: tuple[Node, Node]):
    west, _ = hosts
    with west.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("192.0.2.1", 9000))
        status, errors = failing(west, *words(0, 4))
    assert status == 2 and "9000" in errors and "another socket" in errors
