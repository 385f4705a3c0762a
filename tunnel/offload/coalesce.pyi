"""Joining packets of one batch into super-packets."""

from tunnel.batch import Batch

def coalesce(batch: Batch, *, accepts: int) -> None:
    """Join, in place, what a device that accepts these feature bits can be given as super-packets.

    TCP needs F_TSO4 or F_TSO6, UDP F_USO4 or F_USO6, both F_CSUM. Packets of a flow keep their order,
    unless their TCP sequence numbers put two neighbours right. What cannot be joined, or is corrupt,
    stays as it is. The bytes of a super-packet are taken from the batch's arena; where it is full, its
    packets stay as they are too. Faces of packets that are still held become private.
    """
