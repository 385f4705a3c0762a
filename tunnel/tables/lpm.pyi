from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

VALUE_MAX: int
LIMIT_MAX: int

@disjoint_base
class Lpm:
    """At most ``limit`` prefixes, each with a number from 0 to ``VALUE_MAX`` (which has a list of its own).

    An address is 4 or 16 bytes, a prefix an address and a length in bits; what lies behind it is ignored.
    ``ValueError`` for any other size, length or number.
    """

    def __init__(self, limit: int = ...) -> None: ...
    def insert(self, address: bytes, length: int, value: int) -> None:
        """Give a prefix this number, whichever it had, and the last place in the number's list.

        ``OverflowError`` at the limit, ``MemoryError`` without memory; nothing has changed then.
        """
    def remove(self, address: bytes, length: int, value: int) -> None:
        """Forget a prefix if it has this number; nothing happens if not."""
    def remove_value(self, value: int) -> int:
        """Forget all prefixes of a number; how many they were."""
    def find(self, address: bytes) -> int | None:
        """The number of the longest prefix that holds ``address``."""
    def prefixes(self, value: int) -> list[tuple[bytes, int]]:
        """Address and length of each prefix of a number, in order of insertion."""
    def count(self, value: int) -> int:
        """How many prefixes have this number."""
    @property
    def nodes(self) -> int:
        """Nodes in use, of 48 bytes each: fewer than two a prefix."""
    def __len__(self) -> int: ...
