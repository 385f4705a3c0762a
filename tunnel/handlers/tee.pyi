from __future__ import annotations

from typing import TYPE_CHECKING

from tunnel.handler import Handler

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class Tee(Handler):
    """A wire with a third end that shows what passes; ``help(Tee)`` is its manual page."""

    def __init__(self) -> None: ...
