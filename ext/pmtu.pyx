"""The path's MTU told to those who send: RFC 1191 and 8201 by ICMP, and the MSS of TCP (RFC 9293, 3.7.1)."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from tunnel.arena cimport arena_t
from tunnel.batch cimport batch_t
from tunnel.icmp_error cimport icmp_error_tell
from tunnel.packet cimport ABSENT, FRAGMENT, packet_own, packet_t
from tunnel.wire cimport (
    ICMP6_TOO_BIG, ICMP_NEEDS_FRAGMENTATION, ICMP_UNREACHABLE, IP4_DONT_FRAGMENT, IP4_FRAGMENT, IP4_SIZE, IP6_SIZE,
    PROTO_TCP, TCP_CHECKSUM, TCP_FLAGS, TCP_OFFSET, TCP_OPTION_END, TCP_OPTION_MSS, TCP_OPTION_NOP, TCP_SIZE,
    TCP_SYN, be16, csum_update16, put16,
)


cdef bint pmtu_exceeds(const packet_t *p, uint32_t mtu) noexcept nogil:
    """It is larger than ``mtu`` from its IP header on, and nobody on the way may cut it."""
    if p.l3 == ABSENT or p.ip_version == 0 or p.len - p.l3 <= mtu:
        return False
    return p.ip_version == 6 or be16(p.data + p.l3 + IP4_FRAGMENT) & IP4_DONT_FRAGMENT != 0


cdef packet_t *pmtu_tell(batch_t *batch, uint32_t index, uint32_t mtu) noexcept nogil:
    """Emit the ICMP error that tells the source of packet ``index``: see ``icmp_error_tell``."""
    return icmp_error_tell(batch, index, ICMP_UNREACHABLE, ICMP_NEEDS_FRAGMENTATION, ICMP6_TOO_BIG, 0, mtu)


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
