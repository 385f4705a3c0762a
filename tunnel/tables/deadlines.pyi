from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

SLOT_MAX: int

@disjoint_base
class Deadlines:
    """Deadlines in ns by slot number."""

    def __init__(self) -> None: ...
    def by(self, slot: int, ns: int) -> None:
        """``slot`` is to be called at ``ns`` at the latest; room is made for it.

        ``ValueError`` for 0 ns, or for a slot above ``SLOT_MAX``.
        """

    def drop(self, slot: int) -> None:
        """Take a slot out, if it is in."""

    def take(self, now_ns: int) -> int | None:
        """Take out the earliest slot whose time has come; None where there is none."""

    @property
    def first_ns(self) -> int:
        """The earliest time, 0 for none."""

    def __len__(self) -> int: ...
