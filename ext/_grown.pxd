"""Memory that grows by doubling and is zero when new; private, header-only.

Pages are moved, not copied (mremap), so that one step of growth takes microseconds however much there
is; pages that were never touched are not resident.
"""

from libc.stdint cimport uint64_t

cdef extern from "sys/mman.h" nogil:
    enum: PROT_READ
    enum: PROT_WRITE
    enum: MAP_PRIVATE
    enum: MAP_ANONYMOUS
    enum: MREMAP_MAYMOVE
    void *MAP_FAILED
    void *mmap(void *, size_t, int, int, int, long)
    void *mremap(void *, size_t, size_t, int, ...)
    int munmap(void *, size_t)

cdef enum:
    GROWN_FIRST = 65536       # bytes


cdef inline bint grown_holds(void **start, size_t *room, uint64_t size) noexcept nogil:
    """``size`` bytes fit at ``start[0]``, which may move for it; False without memory, and nothing changed.

    The caller begins with NULL and room 0, and ends with ``grown_free``.
    """
    cdef size_t wanted = room[0] if room[0] else GROWN_FIRST
    cdef void *moved
    if size <= room[0]:
        return True
    while wanted < size:
        wanted *= 2
    if start[0] == NULL:
        moved = mmap(NULL, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    else:
        moved = mremap(start[0], room[0], wanted, MREMAP_MAYMOVE)
    if moved == MAP_FAILED:
        return False
    start[0], room[0] = moved, wanted
    return True


cdef inline void grown_free(void *start, size_t room) noexcept nogil:
    if start != NULL:
        munmap(start, room)
