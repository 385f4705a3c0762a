from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

def usage() -> tuple[int, int]:
    """Bytes of objects in use and of slabs mapped, in this process."""

@disjoint_base
class Secret:
    """``size`` zeroed bytes of memory for keys, 1 to 4,096, for tests and tools."""

    def __init__(self, size: int) -> None: ...
    @property
    def address(self) -> int:
        """Where it lies, a multiple of 64."""

    def write(self, content: bytes) -> None:
        """Copy ``content`` to its start. ``ValueError`` where it is longer."""

    def read(self) -> bytes:
        """A copy of all its bytes."""

    def wipe(self) -> None:
        """Zeros over all of it."""
