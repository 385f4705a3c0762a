"""What a packet can be told to become: its own echo, a reply, one with another address. C face.

The caller owns the bytes (``packet_own``). Offsets, flow and length stay, so nothing is parsed
again. Checksums are corrected, never computed: one that was wrong stays wrong, and a partial one
(NEEDS_CSUM) stays partial, since a pseudo-header's sum is the same in both directions.
"""

from libc.stdint cimport uint8_t, uint16_t

from tunnel.packet cimport packet_t

cdef enum:
    HOPS_NEW = 64             # TTL or hop limit of a packet made here, IANA's recommended default


cdef bint packet_is_echo(const packet_t *p) noexcept nogil
cdef bint packet_echo(packet_t *p) noexcept nogil
cdef bint packet_reply(packet_t *p) noexcept nogil
cdef void packet_set_hops(packet_t *p, uint8_t hops) noexcept nogil
cdef bint packet_set_address(packet_t *p, const uint8_t *address, bint destination) noexcept nogil
cdef bint packet_set_port(packet_t *p, uint16_t port, bint destination) noexcept nogil
