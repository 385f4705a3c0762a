from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tunnel.handler import Handler
from tunnel.handlers.options import EchoOptions

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class Echo(Handler):
    """Answers pings, ARP and neighbour solicitations, and UDP if asked; ``help(Echo)`` is its manual page."""

    Options: ClassVar[type[EchoOptions]]
    def __init__(self, **options: Any) -> None: ...
    def exposed(self) -> None:
        """Strangers can reach it, as on a ``udp`` or ``packet_socket`` device: 1,000 a second unless told."""
