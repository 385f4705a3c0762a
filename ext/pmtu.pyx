"""The path's MTU told to those who send: RFC 1191 and 8201 by ICMP, and the MSS of TCP (RFC 9293, 3.7.1)."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcpy, memset

from tunnel.address cimport address_is_host
from tunnel.arena cimport arena_t
from tunnel.batch cimport batch_emit, batch_t
from tunnel.packet cimport ABSENT, ETHERNET, FRAGMENT, MORE, packet_own, packet_t
from tunnel.parse cimport parse_packet
from tunnel.wire cimport (
    ETH_DESTINATION, ETH_SOURCE, ICMP6_ECHO_REQUEST, ICMP6_MTU, ICMP6_TOO_BIG,
    ICMP_CHECKSUM, ICMP_CODE, ICMP_ECHO_REPLY, ICMP_ECHO_REQUEST, ICMP_MTU, ICMP_NEEDS_FRAGMENTATION,
    ICMP_SIZE, ICMP_TYPE, ICMP_UNREACHABLE, IP4_DESTINATION, IP4_DONT_FRAGMENT, IP4_FRAGMENT,
    IP4_LENGTH, IP4_PROTO, IP4_SIZE, IP4_SOURCE, IP4_TOS, IP4_TTL, IP6_DESTINATION, IP6_HOPS,
    IP6_LENGTH, IP6_NEXT, IP6_SIZE, IP6_SOURCE, MAC_SIZE, PROTO_ICMP, PROTO_ICMP6, PROTO_TCP,
    TCP_CHECKSUM, TCP_FLAGS, TCP_OFFSET, TCP_OPTION_END, TCP_OPTION_MSS, TCP_OPTION_NOP, TCP_SIZE,
    TCP_SYN, be16, csum_fold, csum_ip4, csum_partial, csum_pseudo6, csum_update16, put16, put32,
)

cdef enum:
    ERROR_MAX4 = 576          # of the whole error: RFC 1812, 4.3.2.3
    ERROR_MAX6 = 1280         # RFC 4443, 2.4 (c)
    INTERNET_CONTROL = 0xc0   # precedence of an ICMP error: RFC 1812, 4.3.2.5
    ERROR_HOPS = 64


cdef bint pmtu_exceeds(const packet_t *p, uint32_t mtu) noexcept nogil:
    """It is larger than ``mtu`` from its IP header on, and nobody on the way may cut it."""
    if p.l3 == ABSENT or p.ip_version == 0 or p.len - p.l3 <= mtu:
        return False
    return p.ip_version == 6 or be16(p.data + p.l3 + IP4_FRAGMENT) & IP4_DONT_FRAGMENT != 0


cdef bint pmtu_tellable(const packet_t *p) noexcept nogil:
    """Its source may be sent an ICMP error: RFC 1122, 3.2.2 and RFC 4443, 2.4 (e)."""
    cdef const uint8_t *ip = p.data + p.l3
    cdef bint is_v4 = p.ip_version == 4
    cdef const uint8_t *destination = ip + (IP4_DESTINATION if is_v4 else IP6_DESTINATION)
    cdef uint8_t icmp
    if p.flags & (FRAGMENT | MORE) == FRAGMENT or (p.medium == ETHERNET and p.data[ETH_DESTINATION] & 1):
        return False
    if not address_is_host(ip + (IP4_SOURCE if is_v4 else IP6_SOURCE), p.ip_version):
        return False
    if not address_is_host(destination, p.ip_version):
        return False
    if p.proto != PROTO_ICMP and p.proto != PROTO_ICMP6:
        return True
    icmp = ICMP_UNREACHABLE if p.l4 == ABSENT else p.data[p.l4]
    if p.proto == PROTO_ICMP6:
        return icmp >= ICMP6_ECHO_REQUEST     # below lie the errors, RFC 4443, 2.1
    return icmp == ICMP_ECHO_REQUEST or icmp == ICMP_ECHO_REPLY


cdef packet_t *pmtu_tell(batch_t *batch, uint32_t index, uint32_t mtu) noexcept nogil:
    """Emit the ICMP error that tells the source of packet ``index``; NULL where there is no room.

    It comes from the packet's destination: whoever sent it reaches that by the way it came.
    Pointers into the batch are void afterwards. The caller sets egress.
    """
    cdef packet_t *p = &batch.packets[index]
    cdef bint is_v4 = p.ip_version == 4
    cdef uint32_t front = (IP4_SIZE if is_v4 else IP6_SIZE) + ICMP_SIZE
    cdef uint32_t quoted = min(p.len - p.l3, (ERROR_MAX4 if is_v4 else ERROR_MAX6) - front)
    cdef packet_t *error = batch_emit(batch, p.l3 + front + quoted)
    if error == NULL:
        return NULL
    p = &batch.packets[index]
    memcpy(error.data, p.data, p.l3)
    if p.medium == ETHERNET:
        memcpy(error.data + ETH_DESTINATION, p.data + ETH_SOURCE, MAC_SIZE)
        memcpy(error.data + ETH_SOURCE, p.data + ETH_DESTINATION, MAC_SIZE)
    memcpy(error.data + p.l3 + front, p.data + p.l3, quoted)
    if is_v4:
        write_error4(error.data + p.l3, p.data + p.l3, mtu, ICMP_SIZE + quoted)
    else:
        write_error6(error.data + p.l3, p.data + p.l3, mtu, ICMP_SIZE + quoted)
    error.medium = p.medium
    parse_packet(error)
    return error


cdef void write_error4(uint8_t *ip, const uint8_t *about, uint32_t mtu, uint32_t size) noexcept nogil:
    cdef uint8_t *icmp = ip + IP4_SIZE
    memset(ip, 0, IP4_SIZE + ICMP_SIZE)
    ip[0] = 0x45
    ip[IP4_TOS] = INTERNET_CONTROL
    put16(ip + IP4_LENGTH, IP4_SIZE + size)
    ip[IP4_TTL] = ERROR_HOPS
    ip[IP4_PROTO] = PROTO_ICMP
    memcpy(ip + IP4_SOURCE, about + IP4_DESTINATION, 4)
    memcpy(ip + IP4_DESTINATION, about + IP4_SOURCE, 4)
    csum_ip4(ip)
    icmp[ICMP_TYPE] = ICMP_UNREACHABLE
    icmp[ICMP_CODE] = ICMP_NEEDS_FRAGMENTATION
    put16(icmp + ICMP_MTU, mtu)
    put16(icmp + ICMP_CHECKSUM, ~csum_fold(csum_partial(icmp, size, 0)))


cdef void write_error6(uint8_t *ip, const uint8_t *about, uint32_t mtu, uint32_t size) noexcept nogil:
    cdef uint8_t *icmp = ip + IP6_SIZE
    memset(ip, 0, IP6_SIZE + ICMP_SIZE)
    ip[0] = 0x60
    put16(ip + IP6_LENGTH, size)
    ip[IP6_NEXT] = PROTO_ICMP6
    ip[IP6_HOPS] = ERROR_HOPS
    memcpy(ip + IP6_SOURCE, about + IP6_DESTINATION, 16)
    memcpy(ip + IP6_DESTINATION, about + IP6_SOURCE, 16)
    icmp[ICMP_TYPE] = ICMP6_TOO_BIG
    put32(icmp + ICMP6_MTU, mtu)
    put16(icmp + ICMP_CHECKSUM, ~csum_fold(csum_partial(icmp, size, csum_pseudo6(ip, PROTO_ICMP6, size))))


cdef bint pmtu_clamp(packet_t *p, arena_t *arena, uint32_t mtu) noexcept nogil:
    """Lower the MSS of a TCP SYN to what fits ``mtu``; False where the arena is full."""
    cdef uint32_t headers = TCP_SIZE + (IP4_SIZE if p.ip_version == 4 else IP6_SIZE)
    cdef uint16_t most = <uint16_t> (mtu - headers)
    cdef uint32_t at
    cdef uint8_t *tcp
    if p.proto != PROTO_TCP or p.l4 == ABSENT or p.flags & FRAGMENT or not p.data[p.l4 + TCP_FLAGS] & TCP_SYN:
        return True
    at = find_mss(p.data + p.l4, p.len - p.l4)
    if at == 0 or be16(p.data + p.l4 + at) <= most:
        return True
    if not packet_own(arena, p):
        return False
    tcp = p.data + p.l4
    replace(tcp, at, most)
    return True


cdef uint32_t find_mss(const uint8_t *tcp, uint32_t size) noexcept nogil:
    """Where the value of the MSS option lies, from the TCP header; 0 where there is none."""
    cdef uint32_t at = TCP_SIZE, end = min(size, <uint32_t> (tcp[TCP_OFFSET] >> 4) * 4)
    while at + 1 < end and tcp[at] != TCP_OPTION_END:
        if tcp[at] == TCP_OPTION_NOP:
            at += 1
            continue
        if tcp[at] == TCP_OPTION_MSS and tcp[at + 1] == 4 and at + 4 <= end:
            return at + 2
        if tcp[at + 1] < 2:
            return 0
        at += tcp[at + 1]
    return 0


cdef void replace(uint8_t *tcp, uint32_t at, uint16_t mss) noexcept nogil:
    """Write the MSS and correct the checksum; at an odd offset its bytes belong to two words."""
    cdef uint16_t before = be16(tcp + at), old = before, new = mss
    if at & 1:
        old, new = (before << 8) | (before >> 8), (mss << 8) | (mss >> 8)
    put16(tcp + TCP_CHECKSUM, csum_update16(be16(tcp + TCP_CHECKSUM), old, new))
    put16(tcp + at, mss)
