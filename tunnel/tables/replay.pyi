from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class Replay:
    """An empty window of 8,128 counters."""

    def __init__(self) -> None: ...
    def accept(self, counter: int) -> bool:
        """Take a counter that is new and not too old; False where it is refused.

        The first that is never accepted is 2^64 - 2^13 - 1; ``OverflowError`` outside 64 bits.
        """
