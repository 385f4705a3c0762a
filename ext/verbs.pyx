"""What a packet can be told to become: its own echo, a reply."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from tunnel.packet cimport ABSENT, DATAGRAM, ETHERNET, FRAGMENT, MORE, NEEDS_CSUM, packet_t

cdef enum:
    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58
    UDPLITE = 136


cdef inline uint16_t be16(const uint8_t *at) noexcept nogil:
    return (at[0] << 8) | at[1]


cdef inline void put_be16(uint8_t *at, uint16_t value) noexcept nogil:
    at[0] = value >> 8
    at[1] = value & 0xff


cdef inline uint16_t csum_replace(uint16_t csum, uint16_t old, uint16_t new) noexcept nogil:
    """RFC 1624, equation 3."""
    cdef uint32_t total = <uint32_t> (csum ^ 0xffff) + (old ^ 0xffff) + new
    total = (total & 0xffff) + (total >> 16)
    return ((total & 0xffff) + (total >> 16)) ^ 0xffff


cdef inline uint8_t *checksum_field(const packet_t *p) noexcept nogil:
    """Where the L4 checksum lies that sums words and a pseudo-header; NULL where there is none."""
    cdef uint32_t offset
    if p.proto == TCP:
        offset = 16
    elif p.proto == UDP or p.proto == UDPLITE:
        offset = 6
    elif p.proto == ICMPV6 and p.ip_version == 6:
        offset = 2
    else:
        return NULL
    return NULL if p.l4 == ABSENT or p.len < p.l4 + offset + 2 else p.data + p.l4 + offset


cdef inline void mend(packet_t *p, uint8_t *field, uint16_t old, uint16_t new) noexcept nogil:
    """Correct an L4 checksum; UDP's 0 means none, and a sum of 0 is sent as 0xffff (RFC 768)."""
    cdef uint16_t csum = be16(field)
    if csum == 0 and p.proto == UDP:
        return
    csum = csum_replace(csum, old, new)
    put_be16(field, 0xffff if csum == 0 and p.proto == UDP else csum)


cdef inline void swap(uint8_t *a, uint8_t *b, uint32_t size) noexcept nogil:
    cdef uint8_t[16] kept
    memcpy(kept, a, size)
    memcpy(a, b, size)
    memcpy(b, kept, size)


cdef bint packet_is_echo(const packet_t *p) noexcept nogil:
    """Whether it is a whole ICMP or ICMPv6 echo request."""
    cdef const uint8_t *icmp
    if p.l4 == ABSENT or p.flags & (FRAGMENT | MORE) or p.len < <uint32_t> p.l4 + 8:
        return False
    icmp = p.data + p.l4
    if p.ip_version == 4:
        return p.proto == ICMP and icmp[0] == 8 and icmp[1] == 0
    return p.ip_version == 6 and p.proto == ICMPV6 and icmp[0] == 128 and icmp[1] == 0


cdef bint packet_echo(packet_t *p) noexcept nogil:
    """Turn an echo request into its reply; False, and nothing written, where it is none."""
    cdef uint8_t *icmp = p.data + p.l4
    cdef uint16_t request
    if not packet_is_echo(p):
        return False
    packet_reply(p)
    request = be16(icmp)
    icmp[0] = 0 if p.ip_version == 4 else 129
    if not p.vnet_flags & NEEDS_CSUM:
        put_be16(icmp + 2, csum_replace(be16(icmp + 2), request, be16(icmp)))
    return True


cdef bint packet_reply(packet_t *p) noexcept nogil:
    """Send it back: MACs, addresses, TCP or UDP ports exchanged, hop limit new.

    A DATAGRAM goes to its endpoint as it is. False, and nothing written, where it is neither an
    IP packet nor a datagram with an endpoint.
    """
    cdef uint8_t *ip = p.data + p.l3
    if p.medium == DATAGRAM:
        return p.endpoint != 0
    if p.l3 == ABSENT or p.ip_version == 0:
        return False
    if p.medium == ETHERNET:
        swap(p.data, p.data + 6, 6)
    if p.ip_version == 4:
        swap(ip + 12, ip + 16, 4)
    else:
        swap(ip + 8, ip + 24, 16)
    if (p.proto == UDP or p.proto == TCP) and p.l4 != ABSENT and p.len >= <uint32_t> p.l4 + 4:
        swap(p.data + p.l4, p.data + p.l4 + 2, 2)
    packet_set_hops(p, HOPS_NEW)
    return True


cdef void packet_set_hops(packet_t *p, uint8_t hops) noexcept nogil:
    """Write the TTL with its header checksum, or the hop limit, of an IP packet."""
    cdef uint8_t *ip = p.data + p.l3
    cdef uint16_t old
    if p.ip_version == 6:
        ip[7] = hops
    elif p.ip_version == 4:
        old = be16(ip + 8)
        ip[8] = hops
        put_be16(ip + 10, csum_replace(be16(ip + 10), old, be16(ip + 8)))


cdef bint packet_set_address(packet_t *p, const uint8_t *address, bint destination) noexcept nogil:
    """Write an address of the packet's IP version and mend both checksums; False without IP."""
    cdef uint8_t *ip = p.data + p.l3
    cdef uint8_t *field = checksum_field(p)
    cdef uint32_t size = 4 if p.ip_version == 4 else 16, i
    cdef uint8_t *old = ip + (12 if p.ip_version == 4 else 8) + (size if destination else 0)
    if p.l3 == ABSENT or p.ip_version == 0:
        return False
    for i in range(0, size, 2):
        if p.ip_version == 4:
            put_be16(ip + 10, csum_replace(be16(ip + 10), be16(old + i), be16(address + i)))
        if field == NULL:
            continue
        if p.vnet_flags & NEEDS_CSUM:
            # the unfinished field holds the pseudo-header's sum itself, not its complement
            put_be16(field, ~csum_replace(~be16(field), be16(old + i), be16(address + i)))
        else:
            mend(p, field, be16(old + i), be16(address + i))
    memcpy(old, address, size)
    return True


cdef bint packet_set_port(packet_t *p, uint16_t port, bint destination) noexcept nogil:
    """Write a port of TCP, UDP or UDP-Lite and mend the checksum.

    False, and nothing written, for anything else: SCTP's CRC has to be made anew over all chunks.
    """
    cdef uint8_t *field = checksum_field(p)
    cdef uint8_t *old = p.data + p.l4 + (2 if destination else 0)
    if field == NULL or p.proto == ICMPV6:
        return False
    if not p.vnet_flags & NEEDS_CSUM:
        mend(p, field, be16(old), port)
    put_be16(old, port)
    return True
