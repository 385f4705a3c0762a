from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tunnel.batch import Batch
from tunnel.handler import Handler
from tunnel.handlers.options import ImpairOptions

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class Impair(Handler):
    """A wire that delays, loses and damages; ``help(Impair)`` is its manual page."""

    Options: ClassVar[type[ImpairOptions]]
    options: ImpairOptions
    def __init__(self, **options: Any) -> None: ...
    def change(self, **options: Any) -> None:
        """Other options for the packets to come, in the place of all there are."""
    def tick(self, now_ns: int, batch: Batch) -> int:
        """Lets go what is due."""
