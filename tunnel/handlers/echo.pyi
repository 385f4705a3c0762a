from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from tunnel.handler import Handler

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

class EchoOptions(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """Options of ``Echo``."""

    addresses: list[str] = ...
    mac: str = ...
    reflect_udp: bool = ...
    local_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = ...
    rate: Annotated[int, msgspec.Meta(ge=0, le=100_000_000)] = ...

@disjoint_base
class Echo(Handler):
    """Answers pings, ARP and neighbour solicitations, and UDP if asked; ``help(Echo)`` is its manual page."""

    Options: ClassVar[type[EchoOptions]]
    def __init__(self, **options: Any) -> None: ...
