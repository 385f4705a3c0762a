"""Cutting a super-packet into the packets that it stands for. C face."""

from libc.stdint cimport uint16_t, uint32_t

from tunnel.batch cimport batch_t
from tunnel.packet cimport packet_t

cdef uint16_t segment_cut(const packet_t *p, batch_t *out, uint32_t behind) noexcept nogil
