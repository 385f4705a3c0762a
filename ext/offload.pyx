"""Cutting super-packets and finishing checksums.

    offload_fit         per packet: passes | complete | segment
    offload_check       does the virtio header fit the packet's headers
    offload_complete    NEEDS_CSUM: sum over the payload, once, in place
    _segment            room for all segments first, so that it is all of them or none
    _cut                per segment: headers and payload copied, then lengths, sequence, checksums

The checksum of a segment starts from the pseudo-header's sum in the super-packet's checksum field, as
in the kernel (net/ipv4/tcp_offload.c): it is right behind a routing header too, whose last address is
not the one in the IPv6 header.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from tunnel.arena cimport HEADROOM, arena_t, arena_take
from tunnel.batch cimport BATCH_MAX, Batch, batch_append, batch_t
from tunnel.packet cimport (
    ABSENT, DROP, FRAGMENT, GSO_ECN, GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM, SHARED, Packet,
    packet_drop, packet_own, packet_segments, packet_t,
)
from tunnel.parse cimport parse_packet

cimport tunnel.wire as wire

from tunnel import reasons

cdef uint16_t NO_ROOM = reasons.NO_ROOM
cdef uint16_t BAD_CHECKSUM = reasons.BAD_CHECKSUM
cdef uint16_t BAD_GSO = reasons.BAD_GSO


cdef inline uint32_t _end(const packet_t *p) noexcept nogil:
    """Where the IP packet ends: before an Ethernet frame's padding."""
    cdef const uint8_t *ip = p.data + p.l3
    cdef uint32_t size
    if p.ip_version == 4:
        size = wire.be16(ip + wire.IP4_LENGTH)
    else:
        size = wire.IP6_SIZE + wire.be16(ip + wire.IP6_LENGTH)
    return p.len if p.gso_type or p.l3 + size > p.len else p.l3 + size


cdef bint _is_super(const packet_t *p, uint8_t proto, uint16_t field) noexcept nogil:
    """Its headers, lengths and checksum's place are those of a super-packet of this protocol."""
    cdef uint32_t total, left
    if p.proto != proto or p.flags & FRAGMENT or p.gso_size == 0:
        return False
    if p.l3 >= p.l4 or p.l4 + field + 2 > p.payload or p.payload >= p.len:
        return False
    left = p.len - p.l3
    total = wire.be16(p.data + p.l3 + (wire.IP4_LENGTH if p.ip_version == 4 else wire.IP6_LENGTH))
    if total + (wire.IP6_SIZE if p.ip_version == 6 else 0) != left and (total or left <= 0xffff):
        return False
    if p.vnet_flags & NEEDS_CSUM:
        return p.csum_start == p.l4 and p.csum_offset == field
    return proto == wire.PROTO_TCP


cdef bint _is_partial(const packet_t *p) noexcept nogil:
    """The checksum to finish is the L4 header's own, or one within its payload (an inner packet's).

    Anything else would write over headers that are parsed already.
    """
    if <uint32_t> p.csum_start + p.csum_offset + 2 > p.len:
        return False
    if p.csum_start >= p.payload:
        return True
    if p.csum_start != p.l4 or p.flags & FRAGMENT:
        return False
    if p.proto == wire.PROTO_TCP:
        return p.csum_offset == wire.TCP_CHECKSUM
    if p.proto == wire.PROTO_UDP or p.proto == wire.PROTO_UDPLITE:
        return p.csum_offset == wire.UDP_CHECKSUM
    return p.proto == wire.PROTO_ICMP6 and p.csum_offset == wire.ICMP_CHECKSUM


cdef uint16_t offload_check(const packet_t *p) noexcept nogil:
    """0, or BAD_GSO where what the virtio header claims lies outside or fits the headers not."""
    cdef uint8_t kind = p.gso_type & ~GSO_ECN
    if p.vnet_flags & NEEDS_CSUM and not _is_partial(p):
        return BAD_GSO
    if p.gso_type == GSO_NONE:
        return 0
    if kind == GSO_UDP_L4 and p.ip_version:
        return 0 if _is_super(p, wire.PROTO_UDP, wire.UDP_CHECKSUM) else BAD_GSO
    if (kind == GSO_TCPV4 and p.ip_version == 4) or (kind == GSO_TCPV6 and p.ip_version == 6):
        return 0 if _is_super(p, wire.PROTO_TCP, wire.TCP_CHECKSUM) else BAD_GSO
    return BAD_GSO


cdef bint offload_verify(const packet_t *p) noexcept nogil:
    """False where an L4 checksum is there, complete and wrong."""
    cdef uint32_t size
    cdef uint64_t total = 0
    if p.l4 == ABSENT or p.flags & FRAGMENT or p.vnet_flags & NEEDS_CSUM:
        return True
    size = _end(p) - p.l4
    if p.proto == wire.PROTO_UDP:
        size = min(size, <uint32_t> wire.be16(p.data + p.l4 + wire.UDP_LENGTH))
        if wire.be16(p.data + p.l4 + wire.UDP_CHECKSUM) == 0:
            return p.ip_version == 4
    if p.proto == wire.PROTO_TCP or p.proto == wire.PROTO_UDP or p.proto == wire.PROTO_ICMP6:
        total = wire.csum_pseudo(p.data + p.l3, p.proto, size)
    elif p.proto != wire.PROTO_ICMP:
        return True
    return wire.csum_fold(wire.csum_partial(p.data + p.l4, size, total)) == 0xffff


cdef bint offload_complete(arena_t *arena, packet_t *p) noexcept nogil:
    """Finish a NEEDS_CSUM checksum; False where its own bytes have no room. offload_check holds."""
    cdef uint8_t *start
    cdef uint32_t end = _end(p) if p.csum_start == p.l4 else p.len
    cdef uint16_t checksum
    if not packet_own(arena, p):
        return False
    start = p.data + p.csum_start
    checksum = ~wire.csum_fold(wire.csum_partial(start, end - p.csum_start, 0))
    # 0 would say that there is none; both stand for the same sum
    wire.put16(start + p.csum_offset, checksum if checksum else 0xffff)
    p.vnet_flags &= ~NEEDS_CSUM
    return True


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


cdef inline void _cut(
    const packet_t *p, packet_t *piece, uint8_t *room, uint32_t number, uint64_t pseudo
) noexcept nogil:
    """Segment ``number`` of ``p`` into ``room``; its checksum from ``pseudo``."""
    cdef uint32_t sent = number * p.gso_size
    cdef uint32_t size = _size(p, number)
    cdef uint16_t field = wire.TCP_CHECKSUM
    cdef uint16_t checksum
    memcpy(piece, p, sizeof(packet_t))
    piece.data = room + HEADROOM
    piece.headroom = HEADROOM
    piece.tailroom = 0
    piece.len = p.payload + size
    piece.flags &= ~SHARED
    piece.gso_type = piece.vnet_flags = 0
    piece.gso_size = piece.csum_start = piece.csum_offset = 0
    memcpy(piece.data, p.data, p.payload)
    memcpy(piece.data + p.payload, p.data + p.payload + sent, size)
    _lengths(piece, number)
    if p.proto == wire.PROTO_TCP:
        _tcp(piece, sent, number == 0, p.payload + sent + size == p.len)
    else:
        field = wire.UDP_CHECKSUM
        wire.put16(piece.data + p.l4 + wire.UDP_LENGTH, <uint16_t> (piece.len - p.l4))
    wire.put16(piece.data + p.l4 + field, 0)
    pseudo += wire.csum_number(<uint16_t> (piece.len - p.l4))
    checksum = ~wire.csum_fold(wire.csum_partial(piece.data + p.l4, piece.len - p.l4, pseudo))
    wire.put16(piece.data + p.l4 + field, checksum if checksum else 0xffff)


cdef uint16_t _segment(const packet_t *p, batch_t *out, uint32_t behind) noexcept nogil:
    """Append all segments and return 0, or none and return the reason. ``behind`` descriptors stay free."""
    cdef uint16_t reason = offload_check(p)
    cdef uint32_t first = out.count
    cdef uint32_t cursor = out.arena.cursor
    cdef uint32_t pieces = packet_segments(p)
    cdef uint64_t pseudo
    cdef uint8_t *room
    cdef packet_t *piece
    cdef uint32_t i
    if reason:
        return reason
    if not offload_verify(p):
        return BAD_CHECKSUM
    if out.count + pieces + behind > BATCH_MAX:
        return NO_ROOM
    pseudo = _pseudo(p, wire.TCP_CHECKSUM if p.proto == wire.PROTO_TCP else wire.UDP_CHECKSUM)
    for i in range(pieces):
        room = arena_take(out.arena, HEADROOM + p.payload + _size(p, i))
        piece = batch_append(out) if room != NULL else NULL
        if piece == NULL:
            out.count = first
            out.arena.cursor = cursor
            return NO_ROOM
        _cut(p, piece, room, i, pseudo)
    return 0


cdef packet_t *_pass(const packet_t *p, batch_t *out) noexcept nogil:
    """The descriptor as it is."""
    cdef packet_t *copy = batch_append(out)
    if copy != NULL:
        memcpy(copy, p, sizeof(packet_t))
    return copy


cdef uint16_t _plain(packet_t *p, arena_t *arena) noexcept nogil:
    """Complete the checksum of a packet that is no super-packet."""
    cdef uint16_t reason = offload_check(p)
    if reason:
        return reason
    return 0 if offload_complete(arena, p) else NO_ROOM


cdef uint32_t offload_fit(const batch_t *batch, batch_t *out, uint32_t accepts) noexcept nogil:
    cdef uint16_t reason
    cdef uint32_t excess, i
    cdef packet_t *p
    for i in range(batch.count):
        p = &batch.packets[i]
        excess = 0 if p.egress == DROP and p.reason else offload_needs(p) & ~accepts
        reason = 0
        if excess and p.gso_type:
            reason = _segment(p, out, batch.count - i - 1)
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
    if offload_fit(&batch.c, &out.c, accepts) < batch.c.count:
        raise MemoryError("no memory for the segments' descriptors")
    return out


def verify(Packet packet not None) -> bool:
    """False where the packet has a complete L4 checksum that is wrong."""
    return offload_verify(packet.p)


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
