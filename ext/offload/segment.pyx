"""Cutting a super-packet into the packets that it stands for.

    segment_cut     room for all segments first, so that it is all of them or none
    _cut            per segment: headers copied, payload copied and summed, then lengths, sequence, checksums

The checksum of a segment starts from the pseudo-header's sum in the super-packet's checksum field, as
in the kernel (net/ipv4/tcp_offload.c): it is right behind a routing header too, whose last address is
not the one in the IPv6 header.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from tunnel.arena cimport HEADROOM, TAILROOM, arena_take
from tunnel.batch cimport BATCH_MAX, Batch, batch_append
from tunnel.offload.checksum cimport checksum_copy, checksum_verify
from tunnel.offload.claim cimport claim_check
from tunnel.packet cimport NEEDS_CSUM, SHARED, Packet, packet_segments

cimport tunnel.wire as wire

from tunnel import reasons

cdef uint16_t NO_ROOM = reasons.NO_ROOM
cdef uint16_t BAD_CHECKSUM = reasons.BAD_CHECKSUM


cdef inline uint64_t _pseudo(const packet_t *p, uint16_t field) noexcept nogil:
    """The sum of the pseudo-header with its length taken out."""
    cdef uint32_t size = p.len - p.l4
    cdef uint64_t total
    if p.vnet_flags & NEEDS_CSUM:
        total = wire.csum_number(wire.be16(p.data + p.l4 + field))
    else:
        total = wire.csum_pseudo(p.data + p.l3, p.proto, size)
    return total + wire.csum_number(<uint16_t> ~size) + wire.csum_number(<uint16_t> ~(size >> 16))


cdef inline void _lengths(packet_t *piece, uint32_t number) noexcept nogil:
    """The IP header of segment ``number``: length, identification, header checksum."""
    cdef uint8_t *ip = piece.data + piece.l3
    cdef uint16_t size = <uint16_t> (piece.len - piece.l3)
    if piece.ip_version == 6:
        wire.put16(ip + wire.IP6_LENGTH, size - <uint16_t> wire.IP6_SIZE)
        return
    wire.put16(ip + wire.IP4_LENGTH, size)
    wire.put16(ip + wire.IP4_ID, <uint16_t> (wire.be16(ip + wire.IP4_ID) + number))
    wire.csum_ip4(ip)


cdef inline void _tcp(packet_t *piece, uint32_t sent, bint first, bint last) noexcept nogil:
    """FIN and PSH belong to the last segment, CWR to the first (RFC 3168 section 6.1.2)."""
    cdef uint8_t *tcp = piece.data + piece.l4
    wire.put32(tcp + wire.TCP_SEQUENCE, wire.be32(tcp + wire.TCP_SEQUENCE) + sent)
    if not last:
        tcp[<int> wire.TCP_FLAGS] &= ~(wire.TCP_FIN | wire.TCP_PSH)
    if not first:
        tcp[<int> wire.TCP_FLAGS] &= ~wire.TCP_CWR


cdef inline uint32_t _size(const packet_t *p, uint32_t number) noexcept nogil:
    """Payload bytes of segment ``number``: the last may be short."""
    return min(p.len - p.payload - number * p.gso_size, <uint32_t> p.gso_size)


cdef inline void _lay(const packet_t *p, packet_t *piece, uint8_t *room, uint32_t size) noexcept nogil:
    """The descriptor of a segment with ``size`` bytes of payload, plain and in bytes of its own."""
    memcpy(piece, p, sizeof(packet_t))
    piece.data = room + HEADROOM
    piece.headroom = HEADROOM
    piece.tailroom = TAILROOM
    piece.len = p.payload + size
    piece.flags &= ~SHARED
    piece.gso_type = piece.vnet_flags = 0
    piece.gso_size = piece.csum_start = piece.csum_offset = 0


cdef inline void _cut(
    const packet_t *p, packet_t *piece, uint8_t *room, uint32_t number, uint64_t pseudo
) noexcept nogil:
    """Segment ``number`` of ``p`` into ``room``; its checksum from ``pseudo``."""
    cdef uint32_t sent = number * p.gso_size
    cdef uint32_t size = _size(p, number)
    cdef uint16_t field = wire.TCP_CHECKSUM
    cdef uint16_t checksum
    cdef uint8_t *l4
    _lay(p, piece, room, size)
    l4 = piece.data + p.l4
    memcpy(piece.data, p.data, p.payload)
    pseudo = checksum_copy(piece.data + p.payload, p.data + p.payload + sent, size, pseudo)
    _lengths(piece, number)
    if p.proto == wire.PROTO_TCP:
        _tcp(piece, sent, number == 0, p.payload + sent + size == p.len)
    else:
        field = wire.UDP_CHECKSUM
        wire.put16(l4 + wire.UDP_LENGTH, <uint16_t> (piece.len - p.l4))
    wire.put16(l4 + field, 0)
    pseudo += wire.csum_number(<uint16_t> (piece.len - p.l4))
    # both L4 headers have an even length, so the payload's words are in step
    checksum = ~wire.csum_fold(wire.csum_partial(l4, p.payload - p.l4, pseudo))
    wire.put16(l4 + field, checksum if checksum else 0xffff)


cdef uint16_t segment_cut(const packet_t *p, batch_t *out, uint32_t behind) noexcept nogil:
    """Append all segments and return 0, or none and return the reason. ``behind`` descriptors stay free.

    ``p`` is a super-packet that lies in ``out``'s arena but not in ``out``.
    """
    cdef uint16_t reason = claim_check(p)
    cdef uint32_t first = out.count
    cdef uint32_t cursor = out.arena.cursor
    cdef uint32_t pieces = packet_segments(p)
    cdef uint64_t pseudo
    cdef uint8_t *room
    cdef packet_t *piece
    cdef uint32_t i
    if reason:
        return reason
    if not checksum_verify(p):
        return BAD_CHECKSUM
    if out.count + pieces + behind > BATCH_MAX:
        return NO_ROOM
    pseudo = _pseudo(p, wire.TCP_CHECKSUM if p.proto == wire.PROTO_TCP else wire.UDP_CHECKSUM)
    for i in range(pieces):
        room = arena_take(out.arena, HEADROOM + p.payload + _size(p, i) + TAILROOM)
        piece = batch_append(out) if room != NULL else NULL
        if piece == NULL:
            out.count = first
            out.arena.cursor = cursor
            return NO_ROOM
        _cut(p, piece, room, i, pseudo)
    return 0


def cut(Packet packet not None, Batch out not None) -> int:
    """Append the segments of a super-packet to a batch of the same arena; 0, or the reason why not."""
    cdef packet_t whole = packet.p[0]
    if packet.arena != out.c.arena or not whole.gso_type:
        raise ValueError("not a super-packet in the arena of this batch")
    return segment_cut(&whole, &out.c, 0)
