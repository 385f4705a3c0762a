"""Fields of a packet as Python objects, None where the packet has none; private, header-only."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t

from tunnel.arena cimport arena_t
from tunnel.packet cimport ABSENT, ETHERNET, packet_own, packet_t
from tunnel.wire cimport MAC_SIZE, be16

cdef enum:
    TCP = 6
    UDP = 17
    SCTP = 132
    UDPLITE = 136


cdef inline bint packet_has_ports(const packet_t *p) noexcept nogil:
    return p.l4 != ABSENT and (p.proto == TCP or p.proto == UDP or p.proto == SCTP or p.proto == UDPLITE)


cdef inline bint packet_has_macs(const packet_t *p) noexcept nogil:
    return p.medium == ETHERNET and p.len >= 2 * MAC_SIZE


cdef inline object packet_address(const packet_t *p, bint destination):
    if p.ip_version == 4:
        return PyBytes_FromStringAndSize(<char *> p.data + p.l3 + (16 if destination else 12), 4)
    if p.ip_version == 6:
        return PyBytes_FromStringAndSize(<char *> p.data + p.l3 + (24 if destination else 8), 16)
    return None


cdef inline object packet_port(const packet_t *p, uint32_t offset):
    return be16(p.data + p.l4 + offset) if packet_has_ports(p) else None


cdef inline int packet_make_own(arena_t *arena, packet_t *p) except -1:
    """Before writing: its bytes its own. A detached packet (no arena) has none but its own."""
    if arena != NULL and not packet_own(arena, p):
        raise MemoryError("arena full")
    return 0
