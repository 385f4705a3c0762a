"""Explicit congestion notification across a tunnel: RFC 6040. C face.

Going in, DSCP stays inside (0 outside) and the ECN bits are copied, but what is CE inside leaves as ECT(0)
(RFC 3168, 9.1.1), as from Linux (include/net/inet_ecn.h): then CE outside was set within the tunnel. Coming out:

    inner      outer Not-ECT   ECT(0)    ECT(1)    CE
    Not-ECT    Not-ECT         Not-ECT   Not-ECT   Not-ECT
    ECT(0)     ECT(0)          ECT(0)    ECT(1)    CE
    ECT(1)     ECT(1)          ECT(1)    ECT(1)    CE
    CE         CE              CE        CE        CE

The corner at the upper right is a packet that nobody could have marked; RFC 6040 would have it dropped. It
is kept, as by Linux for WireGuard: a tunnel would else drop what a broken router marks at random.
"""

from libc.stdint cimport uint8_t, uint16_t

from tunnel.packet cimport packet_t
from tunnel.wire cimport IP4_CHECKSUM, IP4_TOS, be16, csum_update16, put16

cdef enum:
    ECN_NOT = 0               # Not-ECT: the sender does not take part
    ECN_ECT1 = 1
    ECN_ECT0 = 2
    ECN_CE = 3
    ECN_MASK = 3              # of the ToS byte or traffic class; DSCP lies above


cdef inline uint8_t ecn_tos(const packet_t *p) noexcept nogil:
    """The ToS byte or traffic class of a packet with an IP header."""
    cdef const uint8_t *ip = p.data + p.l3
    return ip[IP4_TOS] if p.ip_version == 4 else <uint8_t> (ip[0] << 4 | ip[1] >> 4)


cdef inline uint8_t ecn_encap(uint8_t inner) noexcept nogil:
    """The outer ToS for the inner one."""
    inner &= ECN_MASK
    return <uint8_t> ECN_ECT0 if inner == ECN_CE else inner


cdef inline void ecn_mark(packet_t *p, uint8_t ecn) noexcept nogil:
    """Set the ECN bits, and correct the IPv4 header's checksum (RFC 1624)."""
    cdef uint8_t *ip = p.data + p.l3
    cdef uint16_t before = be16(ip)
    if p.ip_version == 6:
        ip[1] = ip[1] & 0xcf | ecn << 4
        return
    ip[IP4_TOS] = ip[IP4_TOS] & ~ECN_MASK | ecn
    put16(ip + IP4_CHECKSUM, csum_update16(be16(ip + IP4_CHECKSUM), before, be16(ip)))


cdef inline void ecn_decap(packet_t *p, uint8_t outer_tos) noexcept nogil:
    """Take over what the way through the tunnel added. ``p`` is parsed, IPv4 or IPv6, and its bytes its own."""
    cdef uint8_t outer = outer_tos & ECN_MASK, inner = ecn_tos(p) & ECN_MASK
    if inner == ECN_NOT:
        return
    if outer == ECN_CE and inner != ECN_CE or outer == ECN_ECT1 and inner == ECN_ECT0:
        ecn_mark(p, outer)
