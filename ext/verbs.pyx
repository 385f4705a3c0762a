"""What a packet can be told to become: its own echo, a reply, one with another address."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy

from tunnel.packet cimport ABSENT, DATAGRAM, ETHERNET, FRAGMENT, MORE, NEEDS_CSUM, packet_t
from tunnel.wire cimport (
    ETH_DESTINATION, ETH_SOURCE, ICMP6_ECHO_REPLY, ICMP6_ECHO_REQUEST, ICMP_CHECKSUM, ICMP_ECHO_REPLY,
    ICMP_ECHO_REQUEST, ICMP_SIZE, ICMP_TYPE, IP4_CHECKSUM, IP4_DESTINATION, IP4_SOURCE, IP4_TTL,
    IP6_DESTINATION, IP6_HOPS, IP6_SOURCE, MAC_SIZE, PORT_DESTINATION, PORT_SOURCE, PROTO_ICMP,
    PROTO_ICMP6, PROTO_TCP, PROTO_UDP, TCP_CHECKSUM, UDP_CHECKSUM, be16, csum_update16, put16,
)


cdef inline void swap(uint8_t *a, uint8_t *b, uint32_t size) noexcept nogil:
    cdef uint8_t[16] kept
    memcpy(kept, a, size)
    memcpy(a, b, size)
    memcpy(b, kept, size)


cdef bint packet_is_echo(const packet_t *p) noexcept nogil:
    """Whether it is a whole ICMP or ICMPv6 echo request."""
    cdef uint16_t type_and_code
    if p.l4 == ABSENT or p.flags & (FRAGMENT | MORE) or p.len < <uint32_t> p.l4 + ICMP_SIZE:
        return False
    type_and_code = be16(p.data + p.l4)
    if p.ip_version == 4:
        return p.proto == PROTO_ICMP and type_and_code == ICMP_ECHO_REQUEST << 8
    return p.proto == PROTO_ICMP6 and type_and_code == ICMP6_ECHO_REQUEST << 8


cdef bint packet_echo(packet_t *p) noexcept nogil:
    """Turn an echo request into its reply; False, and nothing written, where it is none."""
    cdef uint8_t *icmp = p.data + p.l4
    cdef uint16_t request, checksum
    if not packet_is_echo(p):
        return False
    packet_reply(p)
    request = be16(icmp)
    icmp[ICMP_TYPE] = ICMP_ECHO_REPLY if p.ip_version == 4 else ICMP6_ECHO_REPLY
    if not p.vnet_flags & NEEDS_CSUM:
        checksum = csum_update16(be16(icmp + ICMP_CHECKSUM), request, be16(icmp))
        # 0xffff is the same sum, and the only right one where all of an ICMP reply is 0
        put16(icmp + ICMP_CHECKSUM, checksum if checksum else 0xffff)
    return True


cdef bint packet_reply(packet_t *p) noexcept nogil:
    """Send it back: MACs, addresses, TCP or UDP ports exchanged, hop limit new.

    A DATAGRAM goes to its endpoint as it is. False, and nothing written, where it is neither an
    IP packet nor a datagram with an endpoint.
    """
    cdef uint8_t *ip = p.data + p.l3
    cdef uint8_t *l4 = p.data + p.l4
    if p.medium == DATAGRAM:
        return p.endpoint != 0
    if p.l3 == ABSENT or p.ip_version == 0:
        return False
    if p.medium == ETHERNET:
        swap(p.data + ETH_DESTINATION, p.data + ETH_SOURCE, MAC_SIZE)
    if p.ip_version == 4:
        swap(ip + IP4_SOURCE, ip + IP4_DESTINATION, 4)
    else:
        swap(ip + IP6_SOURCE, ip + IP6_DESTINATION, 16)
    if (p.proto == PROTO_UDP or p.proto == PROTO_TCP) and p.l4 != ABSENT:
        swap(l4 + PORT_SOURCE, l4 + PORT_DESTINATION, 2)
    packet_set_hops(p, HOPS_NEW)
    return True


cdef void packet_set_hops(packet_t *p, uint8_t hops) noexcept nogil:
    """Write the TTL with its header checksum, or the hop limit, of an IP packet."""
    cdef uint8_t *ip = p.data + p.l3
    cdef uint16_t old
    if p.ip_version == 6:
        ip[IP6_HOPS] = hops
    elif p.ip_version == 4:
        old = be16(ip + IP4_TTL)
        ip[IP4_TTL] = hops
        put16(ip + IP4_CHECKSUM, csum_update16(be16(ip + IP4_CHECKSUM), old, be16(ip + IP4_TTL)))


cdef inline uint8_t *checksum_field(const packet_t *p) noexcept nogil:
    """Where the L4 checksum lies that covers a pseudo-header; NULL where there is none."""
    cdef uint32_t offset
    if p.proto == PROTO_TCP:
        offset = TCP_CHECKSUM
    elif p.proto == PROTO_UDP:
        offset = UDP_CHECKSUM
    elif p.proto == PROTO_ICMP6 and p.ip_version == 6:
        offset = ICMP_CHECKSUM
    else:
        return NULL
    return NULL if p.l4 == ABSENT or p.len < p.l4 + offset + 2 else p.data + p.l4 + offset


cdef inline void mend(const packet_t *p, uint8_t *field, uint16_t old, uint16_t new) noexcept nogil:
    """Correct an L4 checksum; UDP's 0 means none, so that a sum of 0 is sent as 0xffff (RFC 768)."""
    cdef uint16_t checksum = be16(field)
    if checksum == 0 and p.proto == PROTO_UDP:
        return
    checksum = csum_update16(checksum, old, new)
    put16(field, 0xffff if checksum == 0 and p.proto == PROTO_UDP else checksum)


cdef bint packet_set_address(packet_t *p, const uint8_t *address, bint destination) noexcept nogil:
    """Write an address of the packet's IP version and mend both checksums; False without IP."""
    cdef uint8_t *ip = p.data + p.l3
    cdef uint8_t *field = checksum_field(p)
    cdef uint32_t size = 4 if p.ip_version == 4 else 16, i
    cdef uint8_t *at = ip + (IP4_SOURCE if p.ip_version == 4 else IP6_SOURCE) + (size if destination else 0)
    cdef uint16_t old, new
    if p.l3 == ABSENT or p.ip_version == 0:
        return False
    for i in range(0, size, 2):
        old, new = be16(at + i), be16(address + i)
        if p.ip_version == 4:
            put16(ip + IP4_CHECKSUM, csum_update16(be16(ip + IP4_CHECKSUM), old, new))
        if field != NULL and p.vnet_flags & NEEDS_CSUM:
            # the unfinished field holds the pseudo-header's sum itself, not its complement
            put16(field, ~csum_update16(~be16(field), old, new))
        elif field != NULL:
            mend(p, field, old, new)
    memcpy(at, address, size)
    return True


cdef bint packet_set_port(packet_t *p, uint16_t port, bint destination) noexcept nogil:
    """Write a port of TCP or UDP and mend the checksum.

    False, and nothing written, for anything else: SCTP's CRC has to be made anew over all chunks.
    """
    cdef uint8_t *field = checksum_field(p)
    cdef uint8_t *at = p.data + p.l4 + (PORT_DESTINATION if destination else PORT_SOURCE)
    if field == NULL or p.proto == PROTO_ICMP6:
        return False
    if not p.vnet_flags & NEEDS_CSUM:
        mend(p, field, be16(at), port)
    put16(at, port)
    return True
