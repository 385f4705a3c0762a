"""A heap of what is due, the soonest first. Private to ext/."""

from libc.stdint cimport uint32_t

from tunnel.handlers.impair cimport due_t


cdef inline bint due_sooner(const due_t *a, const due_t *b) noexcept nogil:
    return a.ns < b.ns or (a.ns == b.ns and a.number < b.number)


cdef inline void due_push(due_t *heap, uint32_t count, due_t due) noexcept nogil:
    """Into a heap of ``count``, which has room for one more."""
    cdef uint32_t at = count, parent
    while at:
        parent = (at - 1) // 2
        if not due_sooner(&due, &heap[parent]):
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = due


cdef inline void due_pop(due_t *heap, uint32_t count) noexcept nogil:
    """Take out the soonest; ``count`` are left."""
    cdef uint32_t at = 0, child
    cdef due_t last = heap[count]
    while 2 * at + 1 < count:
        child = 2 * at + 1
        if child + 1 < count and due_sooner(&heap[child + 1], &heap[child]):
            child += 1
        if not due_sooner(&heap[child], &last):
            break
        heap[at] = heap[child]
        at = child
    heap[at] = last
