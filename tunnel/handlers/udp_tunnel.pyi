from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import msgspec

from tunnel.batch import Batch
from tunnel.handler import Handler

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

class UdpTunnelOptions(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Options of ``UdpTunnel``."""

    peer: Annotated[str, msgspec.Meta()] = ...
    learn: bool = ...
    medium: Literal["ip", "ethernet"] = ...
    mtu: Annotated[int, msgspec.Meta(ge=0, le=65507)] = ...
    mss_clamp: bool = ...
    keepalive_s: Annotated[float, msgspec.Meta(ge=0, le=86400)] = ...

@disjoint_base
class UdpTunnel(Handler):
    """IP packets or Ethernet frames in UDP datagrams, in the clear; ``help(UdpTunnel)`` is its manual page."""

    Options: ClassVar[type[UdpTunnelOptions]]
    def __init__(self, **options: Any) -> None: ...
    def opened(self, now_ns: int) -> None:
        """Arms the keepalive; the first is sent at once."""

    def tick(self, now_ns: int, batch: Batch) -> int:
        """Sends a keepalive if nothing else was sent for ``keepalive_s``."""
