"""The checksums of whole packets. C face; ``tunnel.wire`` has those of headers.

``checksum_sum`` and ``checksum_copy`` are ``csum_partial`` for payloads: the same sum, from loops that
the processor's widest vectors run. Below 64 bytes nothing is gained by them.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from tunnel.arena cimport arena_t
from tunnel.packet cimport packet_t

cdef uint64_t checksum_sum(const uint8_t *at, uint32_t size, uint64_t total) noexcept nogil
cdef uint64_t checksum_copy(uint8_t *to, const uint8_t *at, uint32_t size, uint64_t total) noexcept nogil
cdef bint checksum_verify(const packet_t *p) noexcept nogil
cdef bint checksum_complete(arena_t *arena, packet_t *p) noexcept nogil
