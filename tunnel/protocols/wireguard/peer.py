"""A peer: its handshakes, its timers, and what of it can be set.

Messages go into the batch that each verb is given. Times are ns of one clock that goes on while the
machine sleeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunnel import endpoints
from tunnel.batch import Batch
from tunnel.protocols.wireguard import constants as const
from tunnel.protocols.wireguard.cookie import Stamper
from tunnel.protocols.wireguard.identity import Opened
from tunnel.protocols.wireguard.noise import Handshake
from tunnel.protocols.wireguard.peer_state import PeerState

if TYPE_CHECKING:
    from tunnel.protocols.wireguard.interface import Interface


class Peer(PeerState):
    """One peer of ``interface``; satisfies ``uapi_device.Peer``."""

    def __init__(self, interface: Interface, slot: int, public_key: bytes) -> None:
        self.public_key = public_key
        self.last_handshake = (0, 0)
        self.handshake = Handshake(public_key)
        self._interface = interface
        self._stamper = Stamper(public_key)
        self._greatest = b""  # of the timestamps accepted
        self._initiated_ns: int | None = None  # when an initiation of the peer was last accepted
        self._asked_ns: int | None = None  # when a handshake message was last sent
        self._attempts = 0
        self._keepalive_before = 0  # as it was when last started

    def __repr__(self) -> str:
        return f"<Peer {self.public_key.hex()[:8]}>"

    # What can be set

    @property
    def preshared_key(self) -> bytes:
        """32 bytes, all zero for none."""
        return self.handshake.preshared_key

    @preshared_key.setter
    def preshared_key(self, key: bytes) -> None:
        self.handshake.preshared(key)

    @property
    def endpoint(self) -> str | None:
        """``ADDR:PORT`` or ``[IPv6%zone]:PORT`` where its messages go; None where that is not known."""
        return None if self.record is None else endpoints.text(self.record)

    @endpoint.setter
    def endpoint(self, text: str) -> None:
        self.record = endpoints.record(text)

    @property
    def allowed_ips(self) -> list[tuple[bytes, int]]:
        """Networks that it may send from and is sent to: packed address and prefix length, in order."""
        return self._interface.routes.prefixes(self.slot)

    def allow(self, address: bytes, length: int) -> None:
        """Add a network; another peer that has it loses it."""
        self._interface.routes.insert(address, length, self.slot)

    def disallow(self, address: bytes, length: int) -> None:
        """Remove a network, if it is this peer's."""
        self._interface.routes.remove(address, length, self.slot)

    def clear_allowed(self) -> None:
        """Remove all networks."""
        self._interface.routes.remove_value(self.slot)

    # Life

    def start(self, now_ns: int, batch: Batch) -> None:
        """The interface is up, or the peer was just set: a keepalive if newly asked for, and what waits."""
        fresh, self._keepalive_before = not self._keepalive_before, self.keepalive_s
        if fresh and self.keepalive_s:
            self.send_keepalive(batch, now_ns)
        self.send_staged(batch, now_ns)

    def stop(self) -> None:
        """Wipe keys, drop what waits, arm nothing."""
        self.stop_timers()
        self.forget_staged()
        self._clear_handshake()
        self.erase()
        self._attempts = self._keepalive_before = 0
        self._asked_ns = None

    def remove(self) -> None:
        """As ``stop``; the peer is nobody's any more."""
        self.stop()
        self.leave()

    def rekey(self) -> None:
        """The private key has changed: no session of the old one sends, and a handshake may begin at once."""
        self._clear_handshake()
        self.handshake.identify(self._interface.identity)
        self.stop_sending()
        self._asked_ns = None

    def _clear_handshake(self) -> None:
        self.disclaim()
        self.handshake.clear()

    # Handshakes

    def ask(self, now_ns: int, batch: Batch, *, retry: bool = False) -> None:
        """Send an initiation, unless a handshake message went out in the last 5 s."""
        limits = self._interface.limits
        if not retry:
            self._attempts = 0
        if self._asked_ns is not None and now_ns - self._asked_ns < limits.retry_ns:
            return
        if self.record is None or not self.handshake.possible or self._interface.identity is None:
            return
        self._clear_handshake()
        index = self._interface.claim_index(self)
        message = self.handshake.initiate(index, self._interface.timestamp())
        self._send(message, now_ns, batch)
        self._interface.log_keys(self)
        self.arm(const.RETRANSMIT, now_ns + limits.retry_ns, True)

    def _send(self, message: bytes, now_ns: int, batch: Batch) -> None:
        self._asked_ns = now_ns
        self.send(self._stamper.stamp(message, now_ns), batch, now_ns, const.HANDSHAKE_TOS)

    def take_initiation(self, opened: Opened, size: int, record: bytes, now_ns: int, batch: Batch) -> bool:
        """Answer an initiation that says that it is from this peer; False where it is not, or comes again."""
        timestamp = self.handshake.accept(opened)
        if timestamp is None or timestamp <= self._greatest or self._too_soon(now_ns):
            return False
        self._greatest, self._initiated_ns = timestamp, now_ns
        self._clear_handshake()
        self.handshake.commit(opened)
        self.record = record
        self.received(size, now_ns)
        index = self._interface.claim_index(self)
        self._send(self.handshake.respond(index), now_ns, batch)
        self._interface.log_keys(self)
        self._derive(now_ns)
        return True

    def _too_soon(self, now_ns: int) -> bool:
        return self._initiated_ns is not None and now_ns - self._initiated_ns <= self._interface.limits.initiation_ns

    def take_response(self, message: bytes, record: bytes, now_ns: int, batch: Batch) -> bool:
        """Complete a handshake that we began; False where the message does not."""
        if not self.handshake.read_response(message):
            return False
        self.record = record
        self.received(len(message), now_ns)
        self._derive(now_ns)
        self._completed()
        if self.staged:
            self.send_staged(batch, now_ns)
        else:
            self.send_keepalive(batch, now_ns)  # the responder waits for a sign that we have the session
        return True

    def take_cookie(self, message: bytes, now_ns: int) -> bool:
        """Keep a cookie for the next message; nothing is sent now."""
        return self._stamper.receive(message, now_ns)

    def _derive(self, now_ns: int) -> None:
        """The handshake's index is the keypair's from now on."""
        self.install(self.handshake, now_ns)
        self.arm(const.ERASE, now_ns + self._interface.limits.erase_ns)

    def _completed(self) -> None:
        self.arm(const.RETRANSMIT, 0)
        self._attempts = 0
        self.last_handshake = divmod(self._interface.wall_ns(), const.SECOND)

    # What native code and the clock ask for

    def confirmed(self, now_ns: int, batch: Batch) -> None:
        """It has used the session that we made as responder."""
        self._completed()
        self.send_staged(batch, now_ns)

    def tick(self, now_ns: int, batch: Batch) -> None:
        """Serve the timers that are over."""
        for timer in self.expired(now_ns):
            _EXPIRED[timer](self, now_ns, batch)

    def _retransmit(self, now_ns: int, batch: Batch) -> None:
        if self._attempts >= self._interface.limits.attempts:
            self._give_up(now_ns)
            return
        self._attempts += 1
        self.forget_source()
        self.ask(now_ns, batch, retry=True)

    def _give_up(self, now_ns: int) -> None:
        self.arm(const.PASSIVE_KEEPALIVE, 0)
        self.forget_staged()
        if not self.due_ns(const.ERASE):
            self.arm(const.ERASE, now_ns + self._interface.limits.erase_ns)

    def _keepalive(self, now_ns: int, batch: Batch) -> None:
        self.send_keepalive(batch, now_ns)
        if self.once_more():
            self.arm(const.PASSIVE_KEEPALIVE, now_ns + self._interface.limits.keepalive_ns)

    def _silent(self, now_ns: int, batch: Batch) -> None:
        self.forget_source()
        self.ask(now_ns, batch)

    def _erase(self, now_ns: int, batch: Batch) -> None:
        self._clear_handshake()
        self.erase()

    def _persist(self, now_ns: int, batch: Batch) -> None:
        self.send_keepalive(batch, now_ns)


_EXPIRED = (Peer._erase, Peer._retransmit, Peer._keepalive, Peer._silent, Peer._persist)
