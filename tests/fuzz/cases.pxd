"""A case of the fuzzer: a packet under mutation, and the ways to make it wrong."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memmove, memset

from tunnel.packet cimport ETHERNET, NEEDS_CSUM, packet_t
from tunnel.wire cimport be16, put16

cdef enum:
    LARGEST = 8192
    MUTATIONS = 11            # as many as case_mutate knows

ctypedef struct case_t:
    uint8_t data[LARGEST]
    uint32_t size
    packet_t shape            # medium, virtio fields; l3, l4 and ip_version of the seed as parsed
    uint64_t state            # of its random numbers


cdef inline uint32_t case_random(case_t *c, uint32_t below) noexcept nogil:
    """splitmix64."""
    cdef uint64_t z
    c.state += <uint64_t> 0x9e3779b97f4a7c15ULL
    z = c.state
    z = (z ^ (z >> 30)) * <uint64_t> 0xbf58476d1ce4e5b9ULL
    z = (z ^ (z >> 27)) * <uint64_t> 0x94d049bb133111ebULL
    return <uint32_t> ((z ^ (z >> 31)) % below) if below else 0


cdef inline uint16_t _nasty(case_t *c) noexcept nogil:
    """A number that lengths and counts are wrong with."""
    cdef uint32_t kind = case_random(c, 8)
    if kind == 0:
        return 0
    if kind == 1:
        return 0xffff
    if kind == 2:
        return <uint16_t> (c.size + case_random(c, 5) - 2)
    if kind == 3:
        return <uint16_t> (1 << case_random(c, 16))
    if kind < 6:
        return <uint16_t> case_random(c, 80)
    return <uint16_t> case_random(c, 0x10000)


cdef inline void _insert(case_t *c, uint32_t at, uint32_t size) noexcept nogil:
    """Make room for ``size`` bytes at ``at``; they hold what was there."""
    if at > c.size or c.size + size > LARGEST:
        return
    memmove(&c.data[at + size], &c.data[at], c.size - at)
    c.size += size


cdef inline void _put(case_t *c, uint32_t at, uint16_t number) noexcept nogil:
    if at + 2 <= c.size:
        put16(&c.data[at], number)


cdef inline void _byte(case_t *c) noexcept nogil:
    if c.size:
        c.data[case_random(c, c.size)] = <uint8_t> case_random(c, 256)


cdef inline void _word(case_t *c) noexcept nogil:
    _put(c, case_random(c, min(c.size, <uint32_t> 80)), _nasty(c))


cdef inline void _cut(case_t *c) noexcept nogil:
    c.size = case_random(c, c.size + 1)


cdef inline void _grow(case_t *c) noexcept nogil:
    """Padding, or bytes behind what the lengths say."""
    cdef uint32_t size = min(case_random(c, 80), <uint32_t> LARGEST - c.size)
    memset(&c.data[c.size], <int> case_random(c, 2) * 0xff, size)
    c.size += size


cdef inline void _lengths(case_t *c) noexcept nogil:
    """A length field of IPv4, IPv6, TCP, UDP or 802.3."""
    cdef uint32_t l3 = c.shape.l3, l4 = c.shape.l4, field = case_random(c, 6)
    cdef uint32_t nibble = case_random(c, 16)
    if field == 0:
        _put(c, l3 + 2, _nasty(c))
    elif field == 1:
        _put(c, l3 + 4, _nasty(c))
    elif field == 2 and l3 < c.size:
        c.data[l3] = <uint8_t> ((c.data[l3] & 0xf0) | nibble)
    elif field == 3 and l4 + 13 < c.size:
        c.data[l4 + 12] = <uint8_t> (nibble << 4)
    elif field == 4:
        _put(c, l4 + 4, _nasty(c))
    else:
        _put(c, 12, _nasty(c))


cdef inline void _tags(case_t *c) noexcept nogil:
    """Up to ten tags, the last of which may be all there is."""
    cdef uint32_t count = 1 + case_random(c, 10), _i
    cdef uint16_t[3] kinds
    kinds[0], kinds[1], kinds[2] = 0x8100, 0x88a8, 0x9100
    if c.size < 14:
        return
    for _i in range(count):
        _insert(c, 12, 4)
        _put(c, 12, kinds[case_random(c, 3)])
        _put(c, 14, <uint16_t> case_random(c, 0x10000))
    if case_random(c, 4) == 0:
        c.size = min(c.size, 12 + 4 * case_random(c, count + 1) + case_random(c, 4))


cdef inline void _chain(case_t *c) noexcept nogil:
    """Extension headers behind the IPv6 header: long chains, loops, false lengths; the length mended or not."""
    cdef uint32_t at = <uint32_t> c.shape.l3 + 40, count = 1 + case_random(c, 24), old = c.size, i
    cdef uint8_t[9] kinds
    cdef uint8_t kind
    kinds[0], kinds[1], kinds[2], kinds[3], kinds[4] = 0, 43, 44, 51, 60
    kinds[5], kinds[6], kinds[7], kinds[8] = 135, 139, 140, 59
    if c.shape.ip_version != 6 or at > c.size:
        return
    for i in range(count):
        kind = kinds[case_random(c, 9 if case_random(c, 8) == 0 else 8)]
        _insert(c, at, 8)
        if at + 8 > c.size:
            return
        memset(&c.data[at], 0, 8)
        c.data[at] = c.data[at - 34] if i == 0 else kinds[case_random(c, 8)]
        c.data[at + 1] = <uint8_t> (case_random(c, 3) if case_random(c, 4) == 0 else 0)
        if case_random(c, 6) == 0:
            _put(c, at + 2, _nasty(c))
        c.data[c.shape.l3 + 6] = kind
    if case_random(c, 4):
        _put(c, c.shape.l3 + 4, <uint16_t> (be16(&c.data[c.shape.l3 + 4]) + c.size - old))


cdef inline void _fragment(case_t *c) noexcept nogil:
    _put(c, c.shape.l3 + 6, _nasty(c))


cdef inline void _proto(case_t *c) noexcept nogil:
    cdef uint32_t at = c.shape.l3 + (9 if c.shape.ip_version == 4 else 6)
    if at < c.size:
        c.data[at] = <uint8_t> case_random(c, 256)


cdef inline void _virtio(case_t *c) noexcept nogil:
    """Fields of the virtio header: near the truth, or anything."""
    cdef uint8_t[8] kinds
    kinds[0], kinds[1], kinds[2], kinds[3] = 0, 1, 3, 4
    kinds[4], kinds[5], kinds[6], kinds[7] = 5, 0x81, 0x84, 0xff
    if case_random(c, 2):
        c.shape.gso_type = kinds[case_random(c, 8)]
    if case_random(c, 2):
        c.shape.gso_size = _nasty(c)
    if case_random(c, 2):
        c.shape.vnet_flags = <uint8_t> (case_random(c, 2) * NEEDS_CSUM)
    if case_random(c, 3) == 0:
        c.shape.csum_start = _nasty(c)
    if case_random(c, 3) == 0:
        c.shape.csum_offset = _nasty(c)


cdef inline void _medium(case_t *c) noexcept nogil:
    c.shape.medium = <uint8_t> (ETHERNET + case_random(c, 3))


cdef inline uint32_t case_mutate(case_t *c) noexcept nogil:
    """Apply one mutation; which of them."""
    cdef uint32_t which = case_random(c, MUTATIONS)
    if which == 0:
        _byte(c)
    elif which == 1:
        _word(c)
    elif which == 2:
        _cut(c)
    elif which == 3:
        _grow(c)
    elif which == 4:
        _lengths(c)
    elif which == 5:
        _tags(c)
    elif which == 6:
        _chain(c)
    elif which == 7:
        _fragment(c)
    elif which == 8:
        _proto(c)
    elif which == 9:
        _virtio(c)
    else:
        _medium(c)
    return which
