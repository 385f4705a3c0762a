from __future__ import annotations

from typing import TYPE_CHECKING

from tunnel.batch import Batch

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class Hold:
    """A bounded store of packets for handlers written in Python.

    ``limit`` is in bytes of slots: a packet of up to 256 bytes takes about 500, one of up to 2,048
    about 2,300, a larger one about 66,000.
    """

    def __init__(self, limit: int) -> None: ...
    def put(self, batch: Batch, index: int) -> bool:
        """Keep a copy of packet ``index``; False where the limit would be passed.

        The caller sets the packet's egress to HELD. ``IndexError`` where there is no such packet.
        """

    def release(self, batch: Batch) -> bool:
        """Append the oldest packet to ``batch`` and forget it; False where nothing is held or no room is left."""

    def __len__(self) -> int: ...
    @property
    def bytes(self) -> int:
        """Bytes of the slots in use."""
