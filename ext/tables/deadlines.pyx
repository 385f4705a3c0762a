"""A binary heap of slots by the time at which each wants to be called: see the ``.pxd`` for its use."""

from libc.stdlib cimport free, realloc
from libc.string cimport memset

SLOT_MAX = (1 << 20) - 1    # what a stray number costs is bounded: 16 bytes a slot


cdef int _resize(void **array, size_t size) except -1:
    cdef void *larger = realloc(array[0], size)
    if larger == NULL:
        raise MemoryError("a table of deadlines")
    array[0] = larger
    return 0


cdef int deadlines_reserve(deadlines_t *deadlines, uint32_t slots) except -1:
    """Room for slots below ``slots``; raises ``MemoryError``."""
    if slots <= deadlines.room:
        return 0
    _resize(<void **> &deadlines.ns, slots * sizeof(uint64_t))
    _resize(<void **> &deadlines.place, slots * sizeof(uint32_t))
    _resize(<void **> &deadlines.heap, slots * sizeof(uint32_t))
    memset(deadlines.ns + deadlines.room, 0, (slots - deadlines.room) * sizeof(uint64_t))
    deadlines.room = slots
    return 0


cdef inline void _put(deadlines_t *deadlines, uint32_t at, uint32_t slot) noexcept nogil:
    deadlines.heap[at] = slot
    deadlines.place[slot] = at


cdef void _up(deadlines_t *deadlines, uint32_t at, uint32_t slot) noexcept nogil:
    """``slot`` stands at ``at`` or nearer to the front."""
    cdef uint32_t parent
    while at:
        parent = (at - 1) // 2
        if deadlines.ns[deadlines.heap[parent]] <= deadlines.ns[slot]:
            break
        _put(deadlines, at, deadlines.heap[parent])
        at = parent
    _put(deadlines, at, slot)


cdef void _down(deadlines_t *deadlines, uint32_t at, uint32_t slot) noexcept nogil:
    """``slot`` stands at ``at`` or farther from the front."""
    cdef uint32_t child
    while 2 * at + 1 < deadlines.count:
        child = 2 * at + 1
        if child + 1 < deadlines.count and (
            deadlines.ns[deadlines.heap[child + 1]] < deadlines.ns[deadlines.heap[child]]
        ):
            child += 1
        if deadlines.ns[slot] <= deadlines.ns[deadlines.heap[child]]:
            break
        _put(deadlines, at, deadlines.heap[child])
        at = child
    _put(deadlines, at, slot)


cdef void deadlines_rise(deadlines_t *deadlines, uint32_t slot, uint64_t ns) noexcept nogil:
    """Enter ``slot``, or make its entry earlier."""
    cdef uint32_t at = deadlines.place[slot]
    if deadlines.ns[slot] == 0:
        at = deadlines.count
        deadlines.count += 1
    deadlines.ns[slot] = ns
    _up(deadlines, at, slot)


cdef void deadlines_drop(deadlines_t *deadlines, uint32_t slot) noexcept nogil:
    """Take ``slot`` out, if it is in."""
    cdef uint32_t at, last
    if deadlines.ns[slot] == 0:
        return
    at = deadlines.place[slot]
    deadlines.ns[slot] = 0
    deadlines.count -= 1
    last = deadlines.heap[deadlines.count]
    if last != slot:
        _up(deadlines, at, last)
        _down(deadlines, deadlines.place[last], last)


cdef uint32_t deadlines_take(deadlines_t *deadlines, uint64_t now_ns) noexcept nogil:
    """Take out the earliest slot if its time has come; DEADLINES_NONE where it has not."""
    cdef uint32_t slot
    if deadlines.count == 0:
        return DEADLINES_NONE
    slot = deadlines.heap[0]
    if deadlines.ns[slot] > now_ns:
        return DEADLINES_NONE
    deadlines_drop(deadlines, slot)
    return slot


cdef class Deadlines:
    """Deadlines in ns by slot number."""

    def __init__(self):
        pass

    def __dealloc__(self):
        free(self.c.ns)
        free(self.c.place)
        free(self.c.heap)

    def by(self, uint32_t slot, uint64_t ns):
        """``slot`` is to be called at ``ns`` at the latest; room is made for it.

        ``ValueError`` for 0 ns, or for a slot above ``SLOT_MAX``.
        """
        if ns == 0:
            raise ValueError("0 is no time")
        if slot > SLOT_MAX:
            raise ValueError(f"a slot is 0 to {SLOT_MAX}, not {slot}")
        deadlines_reserve(&self.c, max(slot + 1, self.c.room))
        deadlines_by(&self.c, slot, ns)

    def drop(self, uint32_t slot):
        """Take a slot out, if it is in."""
        if slot < self.c.room:
            deadlines_drop(&self.c, slot)

    def take(self, uint64_t now_ns):
        """Take out the earliest slot whose time has come; None where there is none."""
        slot = deadlines_take(&self.c, now_ns)
        return None if slot == DEADLINES_NONE else slot

    @property
    def first_ns(self):
        """The earliest time, 0 for none."""
        return deadlines_first(&self.c)

    def __len__(self):
        return self.c.count
