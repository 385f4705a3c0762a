"""When each of many wants to be called: a binary heap by time, keyed by slot number. C face.

An entry may be too early, never too late: who finds that it wants to be called later puts it back. So
moving a deadline away, which packets do all the time, costs nothing here.
"""

from libc.stdint cimport uint32_t, uint64_t

cdef enum:
    DEADLINES_NONE = 0xffffffff

ctypedef struct deadlines_t:
    uint64_t *ns              # by slot: the entry's time; 0 = not in the heap
    uint32_t *place           # by slot: where in the heap
    uint32_t *heap            # slots, the earliest first
    uint32_t count
    uint32_t room             # slots that there may be


cdef class Deadlines:
    cdef deadlines_t c


cdef int deadlines_reserve(deadlines_t *deadlines, uint32_t slots) except -1
cdef void deadlines_rise(deadlines_t *deadlines, uint32_t slot, uint64_t ns) noexcept nogil
cdef uint32_t deadlines_take(deadlines_t *deadlines, uint64_t now_ns) noexcept nogil
cdef void deadlines_drop(deadlines_t *deadlines, uint32_t slot) noexcept nogil


cdef inline void deadlines_by(deadlines_t *deadlines, uint32_t slot, uint64_t ns) noexcept nogil:
    """``slot``, below ``room``, is to be called at ``ns`` (not 0) at the latest."""
    if deadlines.ns[slot] == 0 or ns < deadlines.ns[slot]:
        deadlines_rise(deadlines, slot, ns)


cdef inline uint64_t deadlines_first(const deadlines_t *deadlines) noexcept nogil:
    """The earliest time; 0 = none."""
    return deadlines.ns[deadlines.heap[0]] if deadlines.count else 0
