"""A message of the WireGuard protocol under mutation, and the ways to make it wrong."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from tunnel.rng cimport rng_below, rng_next
from tunnel.wire cimport le32, put32le, put64le

cdef enum:
    LARGEST = 2048
    MUTATIONS = 10            # as many as forgery_mutate knows

ctypedef struct genuine_t:    # a message that was made by who has the keys
    uint8_t data[LARGEST]
    uint32_t size
    uint32_t first            # with these bytes unchanged it authenticates still
    uint32_t end

ctypedef struct forgery_t:
    uint8_t data[LARGEST]
    uint32_t size
    uint64_t state            # of its random numbers


cdef inline uint32_t below(forgery_t *f, uint32_t bound) noexcept nogil:
    return <uint32_t> rng_below(&f.state, bound) if bound else 0


cdef inline void _noise(forgery_t *f, uint32_t first, uint32_t end) noexcept nogil:
    cdef uint32_t i
    for i in range(first, min(end, f.size)):
        f.data[i] = <uint8_t> below(f, 256)


cdef inline void _bit(forgery_t *f) noexcept nogil:
    if f.size:
        f.data[below(f, f.size)] ^= <uint8_t> (1 << below(f, 8))


cdef inline void _kind(forgery_t *f) noexcept nogil:
    """Another of the four types, a fifth, or a reserved byte that is not zero."""
    if f.size >= 4:
        put32le(f.data, below(f, 6))
        f.data[1 + below(f, 3)] = <uint8_t> (below(f, 2) * below(f, 256))


cdef inline void _cut(forgery_t *f) noexcept nogil:
    f.size = below(f, f.size + 1)


cdef inline void _grow(forgery_t *f) noexcept nogil:
    cdef uint32_t size = min(1 + below(f, 80), <uint32_t> LARGEST - f.size)
    memset(&f.data[f.size], <int> below(f, 256), size)
    f.size += size


cdef inline void _length(forgery_t *f) noexcept nogil:
    """The exact length of one of the messages, or one beside it; what is new is what was there."""
    cdef uint32_t[8] sizes
    sizes[0], sizes[1], sizes[2], sizes[3] = 148, 92, 64, 32
    sizes[4], sizes[5], sizes[6], sizes[7] = 0, 4, 16, 48
    f.size = max(<uint32_t> 0, min(sizes[below(f, 8)] + below(f, 3), <uint32_t> LARGEST))
    if below(f, 3) and f.size:
        f.size -= 1


cdef inline void _index(forgery_t *f, const uint32_t *indices, uint32_t count) noexcept nogil:
    """The receiver index of a session or handshake that there is, or of none."""
    cdef uint32_t at = 8 if f.size and f.data[0] == 2 else 4
    if f.size >= at + 4:
        put32le(&f.data[at], indices[below(f, count)] if below(f, 8) else <uint32_t> rng_next(&f.state))


cdef inline void _counter(forgery_t *f) noexcept nogil:
    """At the limits of a counter and of a window."""
    cdef uint64_t[8] counters
    counters[0], counters[1], counters[2], counters[3] = 0, 1, 2, <uint64_t> 1 << 60
    counters[4], counters[5] = <uint64_t> 0xffffffffffffdfff, <uint64_t> 0xffffffffffffdffe
    counters[6], counters[7] = <uint64_t> 0xffffffffffffffff, 8128 + below(f, 3)
    if f.size >= 16:
        put64le(&f.data[8], counters[below(f, 8)])


cdef inline void _splice(forgery_t *f, const genuine_t *other) noexcept nogil:
    """Bytes of another message, in the same place."""
    cdef uint32_t first = below(f, other.size), end = first + 1 + below(f, other.size - first)
    memcpy(&f.data[first], &other.data[first], end - first)
    f.size = max(f.size, end)


cdef inline void _field(forgery_t *f) noexcept nogil:
    """16 bytes of noise, or of one value."""
    cdef uint32_t at = below(f, f.size)
    if below(f, 2):
        _noise(f, at, at + 16)
    else:
        memset(&f.data[at], <int> (below(f, 2) * 0xff), min(<uint32_t> 16, f.size - at))


cdef inline uint32_t forgery_mutate(
    forgery_t *f, const genuine_t *other, const uint32_t *indices, uint32_t count
) noexcept nogil:
    """Apply one mutation; which of them."""
    cdef uint32_t which = below(f, MUTATIONS)
    if which == 0:
        _bit(f)
    elif which == 1:
        _kind(f)
    elif which == 2:
        _cut(f)
    elif which == 3:
        _grow(f)
    elif which == 4:
        _length(f)
    elif which == 5:
        _index(f, indices, count)
    elif which == 6:
        _counter(f)
    elif which == 7:
        _splice(f, other)
    elif which == 8:
        _field(f)
    else:
        f.size = below(f, 300)
        _noise(f, 4 * below(f, 2), f.size)
    return which


cdef inline bint forgery_of(const forgery_t *f, const genuine_t *g) noexcept nogil:
    """It would pass for the genuine message."""
    return (
        f.size == g.size and memcmp(f.data, g.data, 4) == 0
        and memcmp(&f.data[g.first], &g.data[g.first], g.end - g.first) == 0
    )


cdef inline void forgery_differ(forgery_t *f, const genuine_t *all_of_them, uint32_t count) noexcept nogil:
    """One bit is another where nothing else would be."""
    cdef uint32_t i, at
    for i in range(count):
        if forgery_of(f, &all_of_them[i]):
            at = all_of_them[i].first + below(f, all_of_them[i].end - all_of_them[i].first)
            f.data[at] ^= <uint8_t> (1 << below(f, 8))
