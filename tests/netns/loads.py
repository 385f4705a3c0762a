"""Numbered datagrams from node to node, and what the kernel says of those that did not arrive."""

from __future__ import annotations

import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from tests.netns.engines import Running, until
from tunnel.counters import Ledger, drops, kernel_drops
from tunnel.devices.udp_socket import drops as socket_drops
from tunnel.lab import Node

SIZE = 1000
SEGMENTS = 40  # datagrams of a super-packet: 40 kB
SOL_UDP, UDP_SEGMENT = 17, 103


def quiet(node: Node) -> Node:
    """No IPv6 on what comes: nobody speaks but the test."""
    node.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    return node


def acquaint(left: Node, right: Node, interface: tuple[str, str], address: tuple[str, str]) -> None:
    """Neighbours set by hand: nobody asks, so what is counted is what was sent."""
    for here, there, mine, theirs, to in (
        (left, right, interface[0], interface[1], address[1]),
        (right, left, interface[1], interface[0], address[0]),
    ):
        mac = there.interface(theirs).mac
        assert mac is not None
        here.neighbour(mine, to, mac)


@contextmanager
def stopped(*engines: Running) -> Iterator[None]:
    """The engines do not run for a while."""
    for engine in engines:
        engine.process.send_signal(signal.SIGSTOP)
    yield
    for engine in engines:
        engine.process.send_signal(signal.SIGCONT)


def datagram(number: int) -> bytes:
    """Its number over and over."""
    return number.to_bytes(4, "big") * (SIZE // 4)


class Load:
    """Numbered datagrams from one node to an address of another, sent and counted by sockets.

    ``sent`` counts datagrams, ``sends`` what the kernel made one packet of.
    """

    def __init__(self, source: Node, target: Node, address: str, room: int | None) -> None:
        self.sender = source.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.receiver = target.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if room is not None:
            self.receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        self.receiver.bind((address, 7000))
        self.receiver.settimeout(0.3)
        self.sender.connect((address, 7000))
        self.sent, self.sends, self.got = 0, 0, list[int]()

    def send(self, count: int) -> None:
        for _ in range(count):
            assert self.sender.send(datagram(self.sent)) == SIZE
            self.sent += 1
            self.sends += 1

    def send_super(self, count: int) -> None:
        """Super-packets of ``SEGMENTS`` datagrams each."""
        cut = [(SOL_UDP, UDP_SEGMENT, struct.pack("H", SIZE))]
        for _ in range(count):
            run = b"".join(map(datagram, range(self.sent, self.sent + SEGMENTS)))
            assert self.sender.sendmsg([run], cut) == len(run)
            self.sent += SEGMENTS
            self.sends += 1

    def receive(self) -> None:
        """All that comes. Sends one more, again and again until it arrives: those before it, which it does not
        overtake, have come by then or will not, however long the engines were kept from running.
        """
        until(self._last_comes)
        assert len(set(self.got)) == len(self.got)

    def _last_comes(self) -> bool:
        self.send(1)
        try:
            while not self.got or self.got[-1] != self.sent - 1:
                data = self.receiver.recv(2 * SIZE)
                self.got.append(int.from_bytes(data[:4], "big"))
                assert data == datagram(self.got[-1])
        except TimeoutError:
            return False
        return True

    def await_all(self, missing: int | None = None) -> None:
        """As many as have not come yet; ``missing`` of them where others are lost."""
        missing = self.sent - len(self.got) if missing is None else missing
        self.got += [int.from_bytes(self.receiver.recv(2 * SIZE)[:4], "big") for _ in range(missing)]

    @property
    def refused(self) -> int:
        """What the receiving socket had no room for."""
        return socket_drops(self.receiver)

    def close(self) -> None:
        self.sender.close()
        self.receiver.close()


@contextmanager
def load(source: Node, target: Node, address: str, *, room: int | None = None) -> Iterator[Load]:
    """A load; ``room`` is the receiver's buffer in bytes."""
    made = Load(source, target, address, room)
    try:
        yield made
    finally:
        made.close()


def dropped(ledger: Ledger) -> int:
    """Every drop of a ledger: wire packets of devices and handlers, and the kernel's on the devices' account."""
    return sum(drops(ledger).values()) + kernel_drops(ledger)


def buffer_errors(node: Node) -> int:
    """RcvbufErrors of all UDP sockets of a node."""
    lines = node.run(["cat", "/proc/net/snmp"]).stdout.splitlines()
    names, values = (line.split() for line in lines if line.startswith("Udp:"))
    return int(dict(zip(names, values, strict=True))["RcvbufErrors"])


def lost(node: Node, interface: str) -> int:
    """What the kernel dropped at an interface, either way."""
    found = node.statistics(interface)
    return sum(found[name] for name in ("tx_dropped", "rx_dropped", "tx_errors", "rx_errors"))
