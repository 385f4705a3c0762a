"""A WireGuard handler with sessions in every state, and all the messages that made them.

Three peers, each the Python oracle: ``settled`` has a session and its former one, ``offered`` one that it
has not used yet, ``asked`` has been sent an initiation. ``prove`` shows that each can still go on.
"""

from __future__ import annotations

from hashlib import blake2s
from typing import NamedTuple

from tests.fuzz.seeds import ip4, udp
from tests.oracles.noise import Twin, public, seal
from tunnel.batch import Batch
from tunnel.counters import imbalance
from tunnel.devices.memory import Memory
from tunnel.handlers.wireguard import WireGuard
from tunnel.packet import DATAGRAM, IP
from tunnel.plan import Plan
from tunnel.protocols.wireguard.constants import COOKIE_REPLY, SECOND, Limits
from tunnel.protocols.wireguard.cookie import Checker, Stamper
from tunnel.protocols.wireguard.peer import Peer
from tunnel.protocols.wireguard.tai64n import stamp
from tunnel.secret import usage

AGES = 2**60  # ns: no session grows old, nothing is repeated
LIMITS = Limits(rekey_ns=AGES, reject_ns=AGES, retry_ns=AGES, keepalive_ns=AGES)
PRIVATE = bytes(range(0x20, 0x40))
ADDRESS = "192.0.2.2"
PORT = 51820
ROUND_NS = 1_000_000


class Genuine(NamedTuple):
    """A message as its maker made it; ``used``: it was delivered."""

    data: bytes
    used: bool


class Correspondent:
    """A peer of the victim, whose overlay address is 10.0.0.2, as in the seeds; made of the oracle."""

    def __init__(self, number: int) -> None:
        self.private = bytes([number]) * 32
        self.public = public(self.private)
        self.stamper = Stamper(public(PRIVATE))
        self.checker = Checker(self.public)
        self.handshakes = 0
        self.twin = self.fresh()
        self.keys = [b"", b""]
        self.index = 0  # the victim's
        self.counter = 0

    def fresh(self) -> Twin:
        """The oracle for another handshake."""
        self.handshakes += 1
        return Twin(self.private, public(PRIVATE), bytes([self.private[0], self.handshakes]) * 16)

    def initiation(self) -> bytes:
        """Another one, later than those before."""
        self.twin = self.fresh()
        message = self.twin.initiate(self.handshakes, stamp(self.handshakes * SECOND))
        return self.stamper.stamp(message, 0)

    def finish(self, response: bytes) -> None:
        """The victim's answer."""
        assert self.twin.finish(response)
        self.keys, self.index, self.counter = self.twin.session(), int.from_bytes(response[4:8], "little"), 0

    def sealed(self, plain: bytes = b"") -> bytes:
        """The next transport message."""
        text = seal(self.keys[0], self.counter, plain)
        self.counter += 1
        return b"\4\0\0\0" + self.index.to_bytes(4, "little") + (self.counter - 1).to_bytes(8, "little") + text


class Victim:
    """The handler on the real data path. Called with a batch of datagrams that must change nothing."""

    def __init__(self) -> None:
        self.handler = WireGuard(limits=LIMITS, clock_ns=lambda: 0)  # handshakes take no time: all are served
        self.now_ns = SECOND
        self.tun, self.wan = _end(IP), _end(DATAGRAM)
        overlay, underlay = (self.handler.ports.index(port) for port in ("overlay", "underlay"))
        self.plan = Plan([self.handler], [self.tun[1], self.wan[1]], [
            (self.tun[1], 0, self.handler, overlay), (self.handler, overlay, self.tun[1], 0),
            (self.wan[1], 0, self.handler, underlay), (self.handler, underlay, self.wan[1], 0),
        ], strict=True)  # fmt: skip
        self.handler.private_key = PRIVATE
        self.handler.opened(self.now_ns)
        self.handler.up(self.now_ns)
        self.mac1_key = blake2s(b"mac1----" + public(self.handler.private_key)).digest()
        self.genuine: list[Genuine] = []
        self.settled, self.offered, self.asked = (self._introduced(number) for number in (2, 3, 4))
        self.looked = 0  # handshake messages that Python has looked at
        self.replies = 0
        self._settle_them()
        self.before = self.state()

    def _introduced(self, number: int) -> Correspondent:
        found = Correspondent(number)
        peer = self.handler.add_peer(found.public)
        peer.endpoint = f"{ADDRESS}:{PORT}"
        if number in (2, 4):
            peer.allow(bytes((10, 0, 0, 1 if number == 2 else 2)), 32)
        return found

    def _settle_them(self) -> None:
        for _ in range(2):
            self._agree(self.settled)
            self.used(self.settled.sealed())
            assert self.used(self.settled.sealed(_packet())) == ([_packet()], [])
        self._agree(self.offered)
        _, (asking,) = self.through(self.tun, _packet())
        self.asked.twin.consume(asking)
        self.asked.index = int.from_bytes(asking[4:8], "little")
        self.answer = Stamper(public(PRIVATE)).stamp(self.asked.twin.respond(9, self.asked.index), 0)
        self.asked.keys = self.asked.twin.session()
        reply = self.asked.checker.reply(asking, bytes(6), self.now_ns)
        self.next = (self.settled.initiation(), self.settled.sealed(_packet()), self.offered.sealed())
        self.genuine += [Genuine(message, False) for message in (self.answer, reply, *self.next)]
        self.genuine.append(Genuine(asking, True))
        self.indices = [self.settled.index, self.offered.index, self.asked.index]

    def _agree(self, other: Correspondent) -> None:
        self.now_ns += SECOND
        _, (response,) = self.used(other.initiation())
        other.finish(response)

    def used(self, message: bytes) -> tuple[list[bytes], list[bytes]]:
        """Delivers a genuine message and keeps it for the forger; what the victim made of it."""
        self.genuine.append(Genuine(message, True))
        return self.through(self.wan, message)

    def through(self, end: tuple[Memory, Memory], data: bytes) -> tuple[list[bytes], list[bytes]]:
        """A packet or datagram into the victim; what it delivers and what it sends."""
        batch = Batch()
        medium = IP if end is self.tun else DATAGRAM
        batch.emit(data, medium=medium, endpoint=(ADDRESS, PORT) if medium == DATAGRAM else None)
        self._in(end, batch)
        self._serve()
        return _out(self.tun), _out(self.wan)

    def _in(self, end: tuple[Memory, Memory], batch: Batch) -> None:
        assert end[0].send(batch) == len(batch)
        while self.plan.breathe(end[1], self.now_ns):
            pass

    def _serve(self) -> None:
        self.looked += self.handler.interface.waiting
        while self.handler.deadline_ns == 1 or 0 < self.handler.deadline_ns <= self.now_ns:
            self.plan.tick(self.now_ns)

    def __call__(self, forged: Batch, serve: bool) -> None:
        """One round; with ``serve`` Python looks at what waits, and the load is over."""
        self._in(self.wan, forged)
        if serve:
            self._serve()
            self.now_ns += 2 * SECOND
        self.now_ns += ROUND_NS
        assert not _out(self.tun), "a packet was delivered"
        answers = _out(self.wan)
        self.replies += len(answers)
        assert all(len(answer) == 64 and answer[0] == COOKIE_REPLY for answer in answers), "an answer"
        assert imbalance(self.handler.counts()) == 0, f"{self.handler.counts()}"
        if serve:
            assert self.state() == self.before, f"{self.state()} was {self.before}"

    def state(self) -> object:
        """All that a stranger must not change: sessions, endpoints, counters, timers, memory for keys."""
        interface = self.handler.interface
        held = self.handler.counts()["held"]["packets"]
        peers = [_state(peer) for peer in self.handler.peers.values()]
        return peers, len(interface.indices), interface.waiting, interface.wanted, held, usage()[0]

    def prove(self) -> None:
        """All that was not delivered yet does what it would have done before."""
        assert self.state() == self.before, f"{self.state()} was {self.before}"
        again, data, sign = self.next
        assert self.through(self.wan, data) == ([_packet()], [])
        assert self.through(self.wan, sign) == ([], [])
        assert self.handler.peers[self.offered.public].last_handshake > (0, 0)
        _, (response,) = self.through(self.wan, again)
        assert response[8:12] == again[4:8]
        self.settled.finish(response)
        _, (staged,) = self.through(self.wan, self.answer)
        assert staged[16:] == seal(self.asked.keys[0], 0, _packet() + bytes(-len(_packet()) % 16))


def _state(peer: Peer) -> tuple[object, ...]:
    timers = tuple(peer.due_ns(timer) for timer in range(5))
    handshake = (peer.handshake.state, peer.handshake.local_index, peer.handshake.remote_index)
    return peer.record, peer.rx_bytes, peer.tx_bytes, peer.staged, peer.last_handshake, handshake, timers


def _packet() -> bytes:
    """From 10.0.0.1 to 10.0.0.2."""
    return ip4(17, udp(b"data"))


def _end(medium: int) -> tuple[Memory, Memory]:
    outside, inside = Memory.pair(medium=medium)
    outside.open()
    inside.open()
    return outside, inside


def _out(end: tuple[Memory, Memory]) -> list[bytes]:
    batch, found = Batch(), []
    while end[0].recv(batch):
        found += [packet.data for packet in batch]
        batch.clear()
    return found
