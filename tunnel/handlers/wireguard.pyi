from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from tunnel.batch import Batch
from tunnel.handler import Handler
from tunnel.handlers.options import WireGuardOptions
from tunnel.protocols.wireguard.constants import Limits
from tunnel.protocols.wireguard.interface import Interface
from tunnel.protocols.wireguard.peer import Peer

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class WireGuard(Handler):
    """A VPN that speaks the WireGuard protocol; ``help(WireGuard)`` is its manual page."""

    Options: ClassVar[type[WireGuardOptions]]
    media: ClassVar[dict[str, int]]
    interface: Interface
    private_key: bytes | None
    mtu: int
    key_log: Callable[[str], None] | None
    def __init__(
        self,
        *,
        limits: Limits = ...,
        wall_ns: Callable[[], int] = ...,
        clock_ns: Callable[[], int] = ...,
        entropy: Callable[[int], bytes] = ...,
        **options: Any,
    ) -> None: ...
    @property
    def public_key(self) -> bytes | None:
        """What belongs to the private key, 32 bytes; None without."""

    @property
    def peers(self) -> dict[bytes, Peer]:
        """``Peer`` by public key, in order of creation."""

    def add_peer(self, public_key: bytes) -> Peer:
        """A new peer; raises ``OverflowError`` where there are 65,536."""

    def remove_peer(self, public_key: bytes) -> None:
        """Forget a peer and wipe its keys; one that is not there is no error."""

    def remove_all_peers(self) -> None:
        """Forget all peers."""

    def configured(self, peer: Peer) -> None:
        """What can be set of ``peer`` has been."""

    def forget_sources(self) -> None:
        """Routing chooses our address again, for every peer."""

    def up(self, now_ns: int) -> None:
        """The link is up: peers start as soon as the engine looks."""

    def down(self) -> None:
        """The link is down."""

    def opened(self, now_ns: int) -> None:
        """See ``Handler``."""

    def closed(self) -> None:
        """Wipes all keys."""

    def tick(self, now_ns: int, batch: Batch) -> int:
        """Handshakes and timers."""
