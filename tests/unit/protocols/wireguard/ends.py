"""Two ends of a tunnel, in memory, under one clock, with a path between them that a test decides about."""

from __future__ import annotations

import random
from collections.abc import Callable

from scapy.layers.inet import IP, UDP

from tunnel.handlers.wireguard import WireGuard
from tunnel.packet import DATAGRAM
from tunnel.packet import IP as MEDIUM_IP
from tunnel.protocols.wireguard.constants import SECOND, Limits
from tunnel.protocols.wireguard.peer import Peer
from tunnel.testing import Drive, FakeClock

UNIX_NS = 1_700_000_000 * SECOND
ADDRESSES = (("192.0.2.1", 51820), ("192.0.2.2", 51820))
DEFAULT = Limits()
Path = Callable[["End", bytes], list[bytes]]


def packet(source: int, destination: int, text: bytes = b"data", **fields: int) -> bytes:
    """A datagram from 10.0.0.source to 10.0.0.destination."""
    return bytes(IP(src=f"10.0.0.{source}", dst=f"10.0.0.{destination}", **fields) / UDP(sport=1, dport=2) / text)


def as_is(_sender: End, message: bytes) -> list[bytes]:
    """The path that loses nothing."""
    return [message]


class End:
    """One end: its overlay is 10.0.0.NUMBER."""

    def __init__(self, number: int, limits: Limits = DEFAULT, **options: object) -> None:
        self.number, self.address = number, ADDRESSES[number - 1]
        self.clock = FakeClock()
        self.random = random.Random(number)
        self.handler = WireGuard(
            limits=limits, wall_ns=lambda: UNIX_NS + self.clock.now_ns, entropy=self.random.randbytes, **options
        )
        self.handler.private_key = self.random.randbytes(32)
        self.drive = Drive(self.handler, medium={"overlay": MEDIUM_IP, "underlay": DATAGRAM}, clock=self.clock)
        self.handler.up(self.clock.now_ns)
        self.sent = 0  # messages taken from it

    @property
    def public_key(self) -> bytes:
        assert self.handler.interface.identity is not None
        return self.handler.interface.identity.public

    @property
    def peer(self) -> Peer:
        """Its only peer."""
        (peer,) = self.handler.peers.values()
        return peer

    def know(self, other: End, *, endpoint: bool = True) -> Peer:
        """``other`` becomes a peer, allowed its overlay address."""
        peer = self.handler.add_peer(other.public_key)
        if endpoint:
            peer.endpoint = "{}:{}".format(*other.address)
        peer.allow(bytes((10, 0, 0, other.number)), 32)
        self.handler.configured(peer)
        return peer

    def fresh(self) -> list[bytes]:
        """Messages sent since asked last."""
        every = self.drive.out["underlay"]
        new, self.sent = every[self.sent :], len(every)
        return new

    @property
    def delivered(self) -> list[bytes]:
        return self.drive.out["overlay"]


class Net:
    """Two ends that know each other; ``path`` gives what arrives of each message."""

    def __init__(self, limits: Limits = DEFAULT, path: Path = as_is, **options: object) -> None:
        self.a, self.b = End(1, limits, **options), End(2, limits, **options)
        self.a.know(self.b)
        self.b.know(self.a)
        self.path = path
        self.seen: list[tuple[End, bytes]] = []  # messages, in order, whether they arrived or not
        self.run(0)

    def carry(self) -> bool:
        """Take what was sent across, once; whether anything moved."""
        moved = False
        for sender, receiver in ((self.a, self.b), (self.b, self.a)):
            for message in sender.fresh():
                moved = True
                self.seen.append((sender, message))
                for arriving in self.path(sender, message):
                    receiver.drive.put("underlay", [(arriving, sender.address)])
        return moved

    def settle(self) -> None:
        """Until nothing moves, without time passing."""
        while True:
            for end in (self.a, self.b):
                end.drive.advance(0)
            if not self.carry():
                return

    def run(self, seconds: float) -> None:
        """Let time pass; messages take none."""
        until = self.a.clock.now_ns + round(seconds * SECOND)
        self.settle()
        while True:
            now = self.a.clock.now_ns
            soon = [end.handler.deadline_ns for end in (self.a, self.b) if now < end.handler.deadline_ns < until]
            for end in (self.a, self.b):
                end.drive.advance((min([*soon, until]) - now) / SECOND)
            self.settle()
            if self.a.clock.now_ns >= until:
                return

    def send(self, sender: End, text: bytes = b"data") -> bytes:
        """A packet into the overlay of one end, for the other."""
        data = packet(sender.number, 3 - sender.number, text)
        sender.drive.put("overlay", [data])
        self.settle()
        return data

    def kinds(self, sender: End | None = None) -> list[int]:
        """Types of the messages seen, of one end or both."""
        return [message[0] for who, message in self.seen if sender in (None, who)]
