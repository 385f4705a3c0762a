from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tunnel.batch import Batch
from tunnel.handler import Handler
from tunnel.handlers.options import UdpTunnelOptions

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class UdpTunnel(Handler):
    """IP packets or Ethernet frames in UDP datagrams, in the clear; ``help(UdpTunnel)`` is its manual page."""

    Options: ClassVar[type[UdpTunnelOptions]]
    def __init__(self, **options: Any) -> None: ...
    def opened(self, now_ns: int) -> None:
        """Arms the keepalive; the first is sent at once."""

    def tick(self, now_ns: int, batch: Batch) -> int:
        """Sends a keepalive if nothing else was sent for ``keepalive_s``."""
