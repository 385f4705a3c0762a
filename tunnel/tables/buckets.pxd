"""Token buckets by source address, in a table that cannot be made to forget one. C face.

An entry is replaced only once its bucket is full again, when forgetting it changes nothing; a new
source that finds no such place is refused. So neither many sources nor many packets pass the rate,
and all sources together pass at most ``BUCKETS_SETS * BUCKETS_WAYS`` times the rate.

Where a source lies is drawn for each table: whoever has many addresses cannot choose those that keep the
places of another's.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from tunnel.wire cimport load64

cdef enum:
    BUCKETS_SETS = 1024
    BUCKETS_WAYS = 4

ctypedef struct bucket_t:
    uint8_t source[16]
    uint64_t full_ns          # when it will be full again, if nothing is taken until then

ctypedef struct buckets_t:
    bucket_t *entries
    uint64_t factors[2]       # random and odd
    uint64_t interval_ns      # a token's
    uint64_t depth_ns         # of all tokens but one


cdef class Buckets:
    cdef buckets_t c


cdef inline uint64_t buckets_hash(const buckets_t *buckets, const uint8_t *source) noexcept nogil:
    """Multiply-shift (Dietzfelbinger 1996): the upper bits are universal."""
    return load64(source) * buckets.factors[0] + load64(source + 8) * buckets.factors[1]


cdef inline bint buckets_take(
    buckets_t *buckets, const uint8_t *source, uint64_t now_ns, uint32_t cost,
) noexcept nogil:
    """Take ``cost`` tokens for the 16-byte ``source``; False where it has none left.

    One token is enough to pass: what a super-packet costs beyond it is owed (GCRA, ITU-T I.371).
    """
    cdef bucket_t *bucket = &buckets.entries[(buckets_hash(buckets, source) >> 54) * BUCKETS_WAYS]
    cdef bucket_t *spare = NULL
    cdef int way
    for way in range(BUCKETS_WAYS):
        if bucket[way].full_ns > now_ns and memcmp(bucket[way].source, source, 16) == 0:
            if bucket[way].full_ns - now_ns > buckets.depth_ns:
                return False
            bucket[way].full_ns += cost * buckets.interval_ns
            return True
        if bucket[way].full_ns <= now_ns:
            spare = &bucket[way]
    if spare == NULL:
        return False
    memcpy(spare.source, source, 16)
    spare.full_ns = now_ns + cost * buckets.interval_ns
    return True
