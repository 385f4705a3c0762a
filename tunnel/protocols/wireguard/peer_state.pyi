"""The native part of a peer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tunnel.batch import Batch
from tunnel.protocols.wireguard.noise import Handshake
from tunnel.protocols.wireguard.state import InterfaceState

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class PeerState:
    """The native part of a peer: it stands in the interface's table from now until ``leave``.

    ``MemoryError`` without memory, ``OverflowError`` where the table is full, ``ValueError`` for a slot in use.
    """

    record: bytes | None
    keepalive_s: int
    def __init__(self, interface: InterfaceState, slot: int, *args: Any, **kwargs: Any) -> None: ...
    def leave(self) -> None:
        """Forget packets, sessions and allowed IPs, and the slot. Idempotent; nothing else may follow."""

    @property
    def slot(self) -> int:
        """The number that stands for the peer in tables."""

    @property
    def rx_bytes(self) -> int:
        """UDP payload of authentic messages, in bytes."""

    @property
    def tx_bytes(self) -> int:
        """UDP payload of messages sent, in bytes."""

    @property
    def staged(self) -> int:
        """Packets that wait for a session."""

    def forget_source(self) -> None:
        """Routing chooses our address again."""

    def send(self, message: bytes, batch: Batch, now_ns: int, tos: int = 0) -> bool:
        """Send a handshake message to where the peer is; False where that is not known, or no room is left."""

    def received(self, size: int, now_ns: int) -> None:
        """A handshake message of ``size`` bytes was authentic."""

    def install(self, handshake: Handshake, now_ns: int) -> None:
        """The session that a handshake has come to; its index goes with it. ``MemoryError``, ``ValueError``."""

    def may_send(self, now_ns: int) -> bool:
        """There is a session to send with."""

    def stop_sending(self) -> None:
        """The private key has changed: what was agreed under the old one serves only to receive."""

    def erase(self) -> None:
        """Wipe all sessions."""

    def claim(self, index: int) -> bool:
        """``index`` leads to this peer's handshake from now on, in place of the one claimed before.

        False where it is taken, or 0, which stands for none.
        """

    def disclaim(self) -> None:
        """The index that was claimed for a handshake leads nowhere; a session's stays."""

    def arm(self, timer: int, ns: int, jitter: bool = False) -> None:
        """Call at ``ns``, with ``jitter`` a little later; 0 = never."""

    def due_ns(self, timer: int) -> int:
        """When a timer is over; 0 = not armed."""

    def expired(self, now_ns: int) -> list[int]:
        """The timers that are over, which are armed no more; the others will be called for."""

    def once_more(self) -> bool:
        """Whether data came after a keepalive for earlier data was already due; asked once."""

    def stop_timers(self) -> None:
        """None is armed."""

    def send_staged(self, batch: Batch, now_ns: int) -> None:
        """Send what waits, where there is a session."""

    def send_keepalive(self, batch: Batch, now_ns: int) -> None:
        """Send an empty message, unless packets wait for a session."""

    def forget_staged(self) -> None:
        """Drop what waits."""
