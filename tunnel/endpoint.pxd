"""Whom a datagram came from or goes to. Header-only.

A record of 64 bytes in the arena, written by the receiving device or by the handler that sends;
``packet_t.endpoint`` is its offset, and many packets may name one record. It lives for the breath:
who wants to keep it copies it.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp

from tunnel.arena cimport arena_t, arena_take

cdef extern from "sys/socket.h":
    enum: AF_INET
    enum: AF_INET6

ctypedef struct endpoint_t:   # 64 bytes
    uint8_t  name[28]         # struct sockaddr_in or sockaddr_in6; never a v4-mapped address
    uint32_t size             # bytes used of it: 16, 28
    uint8_t  local[16]        # our own address that it was sent to; the first 4 bytes for IPv4
    uint32_t ifindex          # where it came in; 0 = not known (routing chooses the source)
    uint8_t  tos              # its DSCP and ECN byte
    uint8_t  spare[11]


cdef inline endpoint_t *endpoint_at(arena_t *arena, uint32_t offset) noexcept nogil:
    return <endpoint_t *> (arena.start + offset)


cdef inline uint32_t endpoint_new(arena_t *arena) noexcept nogil:
    """The offset of a fresh record (not zeroed), 0 where the arena is full."""
    cdef uint8_t *room = arena_take(arena, sizeof(endpoint_t))
    return 0 if room == NULL else <uint32_t> (room - arena.start)


cdef inline bint endpoint_same(const endpoint_t *a, const endpoint_t *b) noexcept nogil:
    """The same remote address, port and zone; flow label and local side do not matter."""
    if a.size != b.size:
        return False
    if a.size == 16:
        return memcmp(a.name, b.name, 8) == 0
    return memcmp(a.name, b.name, 4) == 0 and memcmp(&a.name[8], &b.name[8], 20) == 0
