from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

MAX: int

@disjoint_base
class Prefixes:
    """Addresses and prefixes (``"10.8.0.2"``, ``"10.8.0.0/24"``, ``"fd08::/64"``), at most 64.

    ``address in prefixes`` tells whether a host of one of them may own it: an IPv4 prefix shorter than
    31 bits leaves out its first and last address. Raises ``ConfigError``.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None: ...
    def __contains__(self, address: bytes, /) -> bool: ...
    def __len__(self) -> int: ...
