"""Super-packets and partial checksums, for whoever is not told of them."""

from tunnel.batch import Batch
from tunnel.packet import Packet

def fit(batch: Batch, *, accepts: int = 0) -> Batch:
    """A new batch of what a device or handler that accepts these feature bits would be given.

    Super-packets it does not accept come as their segments, unfinished checksums completed; the rest
    is passed through. ``accepts`` = 0 gives plain packets. The new batch shares the old one's arena:
    use it before the old one is cleared. Raises ``MemoryError`` where none is left.
    """

def declare(
    packet: Packet,
    *,
    gso_type: int = 0,
    gso_size: int = 0,
    csum_start: int = 0,
    csum_offset: int = 0,
    needs_csum: bool = True,
) -> int:
    """Set what a virtio header says of a packet (linux/virtio_net.h) and parse it anew.

    ``gso_size`` is in payload bytes a segment, ``csum_start`` counts from the first byte, and
    ``csum_offset`` from there. Returns the drop reason, 0 where it fits the packet's headers.
    """
