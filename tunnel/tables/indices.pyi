from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

LIMIT_MAX: int

@disjoint_base
class Indices:
    """At most ``limit`` indices; for Python, each stands for a number below 2^63."""

    def __init__(self, limit: int) -> None: ...
    def put(self, index: int, number: int) -> None:
        """Let an index stand for a number. ``ValueError`` where it is in use, ``OverflowError`` at the limit."""
    def find(self, index: int) -> int | None:
        """What an index stands for, or None."""
    def drop(self, index: int) -> None:
        """Forget an index; nothing happens where it is not in use."""
    def __len__(self) -> int: ...
