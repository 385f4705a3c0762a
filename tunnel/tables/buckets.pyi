from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class Buckets:
    """``rate`` packets a second for each source, ``burst`` at once (at least 1); 4,096 sources.

    ``rate`` is at least 1.
    """

    def __init__(self, rate: int, burst: int) -> None: ...
    def take(self, source: bytes, now_ns: int, cost: int = 1) -> bool:
        """Take ``cost`` tokens for a source of 16 bytes; False where it has none left."""
