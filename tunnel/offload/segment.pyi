"""Cutting a super-packet into the packets that it stands for."""

from tunnel.batch import Batch
from tunnel.packet import Packet

def cut(packet: Packet, out: Batch) -> int:
    """Append the segments of a super-packet to ``out``, a batch in the packet's own arena.

    Returns 0, or the reason why nothing was appended: BAD_GSO, BAD_CHECKSUM, NO_ROOM. Raises
    ``ValueError`` for a packet that is not in the batch's arena or no super-packet.
    """
