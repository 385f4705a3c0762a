"""Token buckets by source address: see the ``.pxd`` for the rule that bounds them."""

import os

from libc.stdlib cimport calloc, free


cdef class Buckets:
    """``rate`` packets a second for each source, ``burst`` at once (at least 1); 4,096 sources.

    ``rate`` is at least 1.
    """

    def __cinit__(self, uint32_t rate, uint32_t burst):
        if rate < 1 or burst < 1:
            raise ValueError("rate and burst are at least 1")
        self.c.interval_ns = <uint64_t> 1_000_000_000 // rate
        self.c.depth_ns = (burst - 1) * self.c.interval_ns
        self.c.factors[0] = int.from_bytes(os.urandom(8), "little") | 1
        self.c.factors[1] = int.from_bytes(os.urandom(8), "little") | 1
        self.c.entries = <bucket_t *> calloc(BUCKETS_SETS * BUCKETS_WAYS, sizeof(bucket_t))
        if self.c.entries == NULL:
            raise MemoryError("a table of token buckets")

    def __init__(self, rate, burst):
        pass

    def __dealloc__(self):
        free(self.c.entries)

    def take(self, bytes source not None, uint64_t now_ns, uint32_t cost=1):
        """Take ``cost`` tokens for a source of 16 bytes; False where it has none left."""
        if len(source) != 16:
            raise ValueError(f"a source has 16 bytes, not {len(source)}")
        return buckets_take(&self.c, source, now_ns, cost)
