"""The path's MTU told to those who send: ICMP too-big, and the MSS of TCP. C face."""

from libc.stdint cimport uint32_t

from tunnel.arena cimport arena_t
from tunnel.batch cimport batch_t
from tunnel.packet cimport packet_t


cdef bint pmtu_exceeds(const packet_t *p, uint32_t mtu) noexcept nogil
cdef packet_t *pmtu_tell(batch_t *batch, uint32_t index, uint32_t mtu) noexcept nogil
cdef bint pmtu_clamp(packet_t *p, arena_t *arena, uint32_t mtu) noexcept nogil
