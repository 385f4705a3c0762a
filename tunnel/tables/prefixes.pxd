"""A short list of address prefixes, walked in order. C face."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from tunnel.address cimport address_map
from tunnel.wire cimport load64

cdef enum:
    PREFIXES_MAX = 64

ctypedef struct prefix_t:
    uint64_t network[2]       # as the bytes lie; IPv4 mapped
    uint64_t mask[2]
    uint8_t version
    bint has_broadcast        # IPv4, shorter than 31 bits: first and last address belong to no host
    bint single               # one address

ctypedef struct prefixes_t:
    uint32_t count
    prefix_t entries[64]      # PREFIXES_MAX


cdef class Prefixes:
    cdef prefixes_t c


cdef inline const prefix_t *prefixes_within(
    const prefixes_t *prefixes, const uint8_t *address, uint8_t version, bint broadcast
) noexcept nogil:
    """The first prefix that holds ``address`` as a broadcast address, or as one that is none; or NULL."""
    cdef uint8_t[16] mapped
    cdef uint64_t high, low, host
    cdef const prefix_t *prefix
    cdef uint32_t i
    address_map(mapped, address, version)
    high, low = load64(mapped), load64(mapped + 8)
    for i in range(prefixes.count):
        prefix = &prefixes.entries[i]
        if version != prefix.version:
            continue
        if high & prefix.mask[0] != prefix.network[0] or low & prefix.mask[1] != prefix.network[1]:
            continue
        host = low & ~prefix.mask[1]
        if (prefix.has_broadcast and (host == 0 or host == ~prefix.mask[1])) == broadcast:
            return prefix
    return NULL


cdef inline const prefix_t *prefixes_find(
    const prefixes_t *prefixes, const uint8_t *address, uint8_t version
) noexcept nogil:
    """The first prefix in which ``address`` can be a host's, or NULL."""
    return prefixes_within(prefixes, address, version, False)


cdef inline bint prefixes_broadcast(
    const prefixes_t *prefixes, const uint8_t *address, uint8_t version
) noexcept nogil:
    """``address`` is the first or last of one of the prefixes, which means all of its hosts."""
    return prefixes_within(prefixes, address, version, True) != NULL
