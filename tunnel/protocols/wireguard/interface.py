"""An interface: its key, its peers, and the handshake messages that come to it. Sans-IO.

``tick`` is called whenever ``next_ns`` is over, and after every batch that left something to do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tunnel.batch import Batch
from tunnel.handler import Handler
from tunnel.protocols.wireguard import constants as const
from tunnel.protocols.wireguard.cookie import Checker
from tunnel.protocols.wireguard.identity import Identity
from tunnel.protocols.wireguard.keylog import lines
from tunnel.protocols.wireguard.peer import Peer
from tunnel.protocols.wireguard.state import InterfaceState
from tunnel.protocols.wireguard.tai64n import stamp

SERVED_NS = 1_000_000  # handshakes, at a time: packets wait no longer for them


class World(NamedTuple):
    """What sans-IO code is given: each is called without arguments but ``entropy``, which takes bytes wanted."""

    wall_ns: Callable[[], int]  # Unix time
    clock_ns: Callable[[], int]  # measures how long serving takes
    entropy: Callable[[int], bytes]  # from a CSPRNG


class Interface(InterfaceState):
    """Keys and peers; the handler makes a ``uapi_device.Tunnel`` of it."""

    def __init__(self, handler: Handler, world: World, limits: const.Limits, *, aead: str | None = None) -> None:
        self.peers: dict[bytes, Peer] = {}
        self.identity: Identity | None = None
        self.limits = limits
        self.key_log: Callable[[str], None] | None = None
        self._world = world
        self._by_slot: dict[int, Peer] = {}
        self._fresh: set[Peer] = set()  # set while up, to be started by the next tick
        self._asking: dict[Peer, None] = {}  # they want a handshake, the first to ask first
        self.limit(limits)
        self.seed(int.from_bytes(world.entropy(8)))

    # What can be set

    @property
    def private_key(self) -> bytes | None:
        """32 bytes, clamped; None without."""
        return None if self.identity is None else self.identity.private

    @private_key.setter
    def private_key(self, key: bytes | None) -> None:
        identity = None if key is None else Identity(key)
        if identity is not None and identity.private == self.private_key:
            return
        self.identity = identity
        if identity is not None and identity.public in self.peers:
            self.remove_peer(identity.public)
        self.check(None if identity is None else Checker(identity.public))
        for peer in self.peers.values():
            peer.rekey()

    def add_peer(self, public_key: bytes) -> Peer:
        """A new peer. Raises ``OverflowError`` where there are 65,536."""
        slot = len(self._by_slot)
        while slot in self._by_slot:
            slot = (slot + 1) % const.PEERS_MAX
        peer = Peer(self, slot, public_key)
        peer.handshake.identify(self.identity)
        self.peers[public_key] = self._by_slot[slot] = peer
        return peer

    def remove_peer(self, public_key: bytes) -> None:
        """Forget a peer and wipe its keys; one that is not there is no error."""
        peer = self.peers.pop(public_key, None)
        if peer is not None:
            del self._by_slot[peer.slot]
            self._fresh.discard(peer)
            self._asking.pop(peer, None)
            peer.remove()

    def remove_all_peers(self) -> None:
        """Forget all peers."""
        for public_key in list(self.peers):
            self.remove_peer(public_key)

    def configured(self, peer: Peer) -> None:
        """What can be set of a peer has been: it is started by the next tick, if the interface is up."""
        if self.up and self.peers.get(peer.public_key) is peer:
            self._fresh.add(peer)

    # Life

    def start(self) -> None:
        """The link is up: peers are started by the next tick."""
        self.up = True
        for peer in self.peers.values():
            peer.forget_source()
            self._fresh.add(peer)

    def stop(self) -> None:
        """The link is down: keys are wiped, what waits is dropped, nothing is sent."""
        self.up = False
        self.forget_waiting()
        self._fresh.clear()
        self._asking.clear()
        for peer in self.peers.values():
            peer.stop()

    def forget_sources(self) -> None:
        """Routing chooses our address again, for every peer: the port or the mark has changed."""
        for peer in self.peers.values():
            peer.forget_source()

    # Handshakes

    def timestamp(self) -> bytes:
        """TAI64N now."""
        return stamp(self.wall_ns())

    def wall_ns(self) -> int:
        """Unix time."""
        return self._world.wall_ns()

    def claim_index(self, peer: Peer) -> int:
        """A random receiver index that nobody has, leading to this peer."""
        index = 0
        while not peer.claim(index):
            index = int.from_bytes(self._world.entropy(4))
        return index

    def log_keys(self, peer: Peer) -> None:
        """Tell the key log, if there is one, what a handshake message has just been made with."""
        if self.key_log is not None:
            for line in lines(peer.handshake.ephemeral_private(), peer.preshared_key):
                self.key_log(line)

    def tick(self, now_ns: int, batch: Batch) -> int:
        """Serve timers, what peers want, and handshakes for a millisecond; when to call again, 0 = never.

        Timers go first, all that are over: those that a sleeping machine missed must not undo what begins.
        """
        until = self._world.clock_ns() + SERVED_NS
        if self._expired(until, now_ns, batch):
            for slot, wants in self.wanting():
                self._want(self._by_slot[slot], wants, now_ns, batch)
            self._serve(until, now_ns, batch)
            self._ask(until, now_ns, batch)
            fresh, self._fresh = self._fresh, set()
            for peer in fresh:
                peer.start(now_ns, batch)
        return self.next_ns(now_ns)

    def _expired(self, until: int, now_ns: int, batch: Batch) -> bool:
        """Serve timers, at least one; whether none is over any more."""
        while (slot := self.take_due(now_ns)) is not None:
            self._by_slot[slot].tick(now_ns, batch)
            if self._world.clock_ns() > until:
                return False
        return True

    def next_ns(self, now_ns: int) -> int:
        """When ``tick`` wants to be called; 0 = never."""
        busy = self.waiting or self.wanted or self._fresh or self._asking
        return now_ns if busy else self.deadlines.first_ns

    def _want(self, peer: Peer, wants: int, now_ns: int, batch: Batch) -> None:
        if wants & const.CONFIRMED:
            peer.confirmed(now_ns, batch)
        if wants & const.WANT_HANDSHAKE:
            self._asking[peer] = None

    def _ask(self, until: int, now_ns: int, batch: Batch) -> None:
        """Those who have waited longest begin their handshakes; one at least, whoever else asks us."""
        while self._asking:
            peer = next(iter(self._asking))
            del self._asking[peer]
            peer.ask(now_ns, batch)
            if self._world.clock_ns() > until:
                break

    def _serve(self, until: int, now_ns: int, batch: Batch) -> None:
        while (entry := self.pending()) is not None:
            self.take(*entry, now_ns, batch)
            if self._world.clock_ns() > until:
                break

    def take(self, message: bytes, record: bytes, now_ns: int, batch: Batch) -> bool:
        """Serve a handshake message whose mac1 is right, from the endpoint ``record``; False where it is dropped."""
        kind = message[0]
        if kind == const.INITIATION:
            return self._initiation(message, record, now_ns, batch)
        index = int.from_bytes(message[8:12] if kind == const.RESPONSE else message[4:8], "little")
        slot = self.slot_of(index)
        if slot is None:
            return False
        peer = self._by_slot[slot]
        if kind == const.COOKIE_REPLY:
            return peer.take_cookie(message, now_ns)
        return peer.take_response(message, record, now_ns, batch)

    def _initiation(self, message: bytes, record: bytes, now_ns: int, batch: Batch) -> bool:
        opened = None if self.identity is None else self.identity.open(message)
        peer = None if opened is None else self.peers.get(opened.static)
        if opened is None or peer is None:
            return False
        return peer.take_initiation(opened, len(message), record, now_ns, batch)
