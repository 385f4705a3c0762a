"""Whether what a virtio header claims fits the packet's headers, lengths and bounds."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from tunnel.packet cimport FRAGMENT, GSO_NONE, Packet

cimport tunnel.wire as wire

from tunnel import reasons

cdef uint16_t BAD_GSO = reasons.BAD_GSO


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


cdef uint16_t claim_check(const packet_t *p) noexcept nogil:
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


def needs(Packet packet not None) -> int:
    """The feature bits that the packet carries."""
    return claim_needs(packet.p)


def check(Packet packet not None) -> int:
    """0, or BAD_GSO."""
    return claim_check(packet.p)
