"""ICMP errors about packets that cannot go on, made for whoever sent them. C face."""

from libc.stdint cimport uint8_t, uint32_t

from tunnel.batch cimport batch_t
from tunnel.packet cimport packet_t


cdef bint icmp_error_tellable(const packet_t *p) noexcept nogil
cdef packet_t *icmp_error_tell(
    batch_t *batch, uint32_t index, uint8_t type4, uint8_t code4, uint8_t type6, uint8_t code6, uint32_t rest
) noexcept nogil
cdef packet_t *icmp_error_unreachable(batch_t *batch, uint32_t index) noexcept nogil
