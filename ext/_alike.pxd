"""What packets must have in common to be joined; private, header-only."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp

from tunnel.packet cimport ETHERNET, F_TSO4, F_TSO6, F_USO4, F_USO6, NEEDS_CSUM, packet_t

cimport tunnel.wire as wire

cdef enum:
    ONLY_ACK = 0x10           # the TCP flags of a packet that may be joined, but for PSH
    PSH_IN_WORD = 0x080000    # PSH in the word of data offset, flags and window


cdef inline uint32_t alike_feature(const packet_t *p) noexcept nogil:
    """What a super-packet of such packets would need; 0 = there is none."""
    if p.proto == wire.PROTO_TCP:
        return F_TSO4 if p.ip_version == 4 else F_TSO6
    if p.proto == wire.PROTO_UDP:
        return F_USO4 if p.ip_version == 4 else F_USO6
    return 0


cdef inline bint _is_typed(const packet_t *p) noexcept nogil:
    """Only tags and types before IP: an 802.3 length, which would be wrong, is not among them."""
    cdef uint32_t at = wire.ETH_TYPE
    cdef uint16_t kind = wire.be16(p.data + at)
    while at + 2 < p.l3 and (kind == wire.TYPE_VLAN or kind == wire.TYPE_QINQ or kind == wire.TYPE_QINQ_OLD):
        at += wire.TAG_SIZE
        kind = wire.be16(p.data + at)
    return at + 2 == p.l3


cdef inline bint alike_candidate(const packet_t *p) noexcept nogil:
    """It is whole, has payload, and its headers are such that a super-packet can have the same."""
    cdef const uint8_t *ip = p.data + p.l3
    cdef const uint8_t *l4 = p.data + p.l4
    if p.gso_type or p.payload >= p.len or (p.vnet_flags & NEEDS_CSUM and p.csum_start != p.l4):
        return False
    if p.ip_version == 4:
        if ip[0] != 0x45 or wire.be16(ip + wire.IP4_LENGTH) != p.len - p.l3:
            return False
    elif p.l4 - p.l3 != wire.IP6_SIZE or wire.be16(ip + wire.IP6_LENGTH) + <uint32_t> wire.IP6_SIZE != p.len - p.l3:
        return False
    if p.medium == ETHERNET and not _is_typed(p):
        return False
    if p.proto == wire.PROTO_TCP:
        return l4[wire.TCP_FLAGS] & ~wire.TCP_PSH == ONLY_ACK and l4[wire.TCP_OFFSET] & 15 == 0
    return wire.be16(l4 + wire.UDP_LENGTH) == p.len - p.l4 and wire.be16(l4 + wire.UDP_CHECKSUM) != 0


cdef inline bint alike_flow(const packet_t *p, const packet_t *q) noexcept nogil:
    """The same protocol, addresses and ports, in this direction."""
    cdef const uint8_t *a = p.data + p.l3
    cdef const uint8_t *b = q.data + q.l3
    if p.ip_version != q.ip_version or p.proto != q.proto:
        return False
    if wire.load32(p.data + p.l4) != wire.load32(q.data + q.l4):
        return False
    if p.ip_version == 4:
        return wire.load64(a + wire.IP4_SOURCE) == wire.load64(b + wire.IP4_SOURCE)
    return memcmp(a + wire.IP6_SOURCE, b + wire.IP6_SOURCE, 32) == 0


cdef inline bint alike_headers(const packet_t *p, const packet_t *q) noexcept nogil:
    """Equal: link header, traffic class, DF, TTL, TCP ack number, flags, window, urgent pointer and options."""
    cdef const uint8_t *a = p.data + p.l3
    cdef const uint8_t *b = q.data + q.l3
    if p.payload != q.payload or p.l4 != q.l4 or p.l3 != q.l3 or memcmp(p.data, q.data, p.l3) != 0:
        return False
    if p.ip_version == 4:
        if a[wire.IP4_TOS] != b[wire.IP4_TOS]:
            return False
        if wire.load32(a + wire.IP4_FRAGMENT) != wire.load32(b + wire.IP4_FRAGMENT):
            return False
    elif wire.load32(a) != wire.load32(b) or a[wire.IP6_HOPS] != b[wire.IP6_HOPS]:
        return False
    if p.proto == wire.PROTO_UDP:
        return True
    a, b = p.data + p.l4, q.data + q.l4
    if wire.load32(a + wire.TCP_ACK) != wire.load32(b + wire.TCP_ACK):
        return False
    if (wire.be32(a + wire.TCP_OFFSET) ^ wire.be32(b + wire.TCP_OFFSET)) & ~<uint32_t> PSH_IN_WORD:
        return False
    return memcmp(a + wire.TCP_URGENT, b + wire.TCP_URGENT, p.payload - p.l4 - wire.TCP_URGENT) == 0
