"""What the plan puts in front of whoever accepts less: each packet passes, is completed, or is cut."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from tunnel.arena cimport arena_t
from tunnel.batch cimport Batch, batch_append
from tunnel.offload.checksum cimport checksum_complete
from tunnel.offload.claim cimport claim_check, claim_needs
from tunnel.offload.segment cimport segment_cut
from tunnel.packet cimport DROP, NEEDS_CSUM, Packet, packet_drop, packet_t
from tunnel.parse cimport parse_packet

from tunnel import reasons

cdef uint16_t NO_ROOM = reasons.NO_ROOM


cdef packet_t *_pass(const packet_t *p, batch_t *out) noexcept nogil:
    """The descriptor as it is."""
    cdef packet_t *copy = batch_append(out)
    if copy != NULL:
        memcpy(copy, p, sizeof(packet_t))
    return copy


cdef uint16_t _plain(packet_t *p, arena_t *arena) noexcept nogil:
    """Complete the checksum of a packet that is no super-packet."""
    cdef uint16_t reason = claim_check(p)
    if reason:
        return reason
    return 0 if checksum_complete(arena, p) else NO_ROOM


cdef uint32_t fit_batch(const batch_t *batch, batch_t *out, uint32_t accepts) noexcept nogil:
    cdef uint16_t reason
    cdef uint32_t excess, i
    cdef packet_t *p
    for i in range(batch.count):
        p = &batch.packets[i]
        excess = 0 if p.egress == DROP and p.reason else claim_needs(p) & ~accepts
        reason = 0
        if excess and p.gso_type:
            reason = segment_cut(p, out, batch.count - i - 1)
            if reason == 0:
                continue
        p = _pass(p, out)
        if p == NULL:
            return i
        if excess and not p.gso_type:
            reason = _plain(p, out.arena)
        if reason:
            packet_drop(p, reason)
    return batch.count


def fit(Batch batch not None, *, uint32_t accepts=0) -> Batch:
    """What a device or handler that accepts these features would be given, in a new batch."""
    cdef Batch out = Batch(batch.arena)
    out.c.now_ns = batch.c.now_ns
    if fit_batch(&batch.c, &out.c, accepts) < batch.c.count:
        raise MemoryError("no memory for the segments' descriptors")
    return out


def declare(
    Packet packet not None, *, uint8_t gso_type=0, uint16_t gso_size=0, uint16_t csum_start=0,
    uint16_t csum_offset=0, bint needs_csum=True
) -> int:
    """Set what a virtio header says of a packet and parse it anew; the reason, 0 where all fits."""
    cdef packet_t *p = packet.p
    p.gso_type = gso_type
    p.gso_size = gso_size
    p.csum_start = csum_start
    p.csum_offset = csum_offset
    p.vnet_flags = NEEDS_CSUM if needs_csum else 0
    p.reason = parse_packet(p)
    return p.reason
