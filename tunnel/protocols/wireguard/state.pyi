"""The tables of an interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tunnel.crypto.aead import Aead
from tunnel.handler import Handler
from tunnel.protocols.wireguard.constants import Limits
from tunnel.protocols.wireguard.cookie import Checker
from tunnel.tables.deadlines import Deadlines
from tunnel.tables.indices import Indices
from tunnel.tables.lpm import Lpm

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class InterfaceState:
    """Tables of an interface, for the packets of ``handler``; at most 65,536 peers."""

    routes: Lpm
    indices: Indices
    deadlines: Deadlines
    aead: Aead
    up: bool
    def __init__(self, handler: Handler, *args: Any, aead: str | None = None, **kwargs: Any) -> None: ...
    def limit(self, limits: Limits) -> None:
        """Take the numbers of a ``constants.Limits``."""

    def seed(self, seed: int) -> None:
        """Where jitter is drawn from."""

    def check(self, checker: Checker | None) -> None:
        """Whose handshake messages are taken; None: nobody's."""

    def pending(self) -> tuple[bytes, bytes] | None:
        """The oldest handshake message that waits, and the record of its sender; None without."""

    @property
    def waiting(self) -> int:
        """Handshake messages that wait."""

    @property
    def wanted(self) -> int:
        """Peers that want something."""

    def wanting(self) -> list[tuple[int, int]]:
        """Slots of the peers that want something, and the ``want_t`` bits of each; asked once."""

    def forget_waiting(self) -> None:
        """No handshake message waits, and no peer wants anything."""

    def take_due(self, now_ns: int) -> int | None:
        """The slot of a peer of which a timer may be over; None without."""

    def slot_of(self, index: int) -> int | None:
        """The slot of the peer to which a receiver index leads, or None."""
