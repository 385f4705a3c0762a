"""Which counters of a stream have been seen: see the ``.pxd``."""


cdef class Replay:
    """An empty window of 8,128 counters."""

    def __init__(self):
        pass

    def accept(self, uint64_t counter):
        """Take a counter that is new and not too old; False where it is refused.

        The first that is never accepted is 2^64 - 2^13 - 1; ``OverflowError`` outside 64 bits.
        """
        return replay_accept(&self.c, counter)
