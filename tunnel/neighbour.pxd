"""Answers to ARP requests and IPv6 neighbour solicitations. C face.

Each turns the packet into its answer and returns 0, or leaves it and returns a reason.
"""

from libc.stdint cimport uint8_t, uint16_t

from tunnel.arena cimport arena_t
from tunnel.packet cimport packet_t
from tunnel.tables.prefixes cimport prefixes_t


cdef bint neighbour_is_solicitation(const packet_t *p) noexcept nogil
cdef uint16_t neighbour_arp(packet_t *p, arena_t *arena, const prefixes_t *own, const uint8_t *mac) noexcept nogil
cdef uint16_t neighbour_solicited(
    packet_t *p, arena_t *arena, const prefixes_t *own, const uint8_t *mac,
) noexcept nogil
