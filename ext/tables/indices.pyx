"""Random 32-bit indices and what they stand for: see the ``.pxd`` for where they lie."""

from libc.stdint cimport uint64_t
from libc.stdlib cimport calloc, free

LIMIT_MAX = 1 << 28

cdef enum:
    PLACES_FIRST = 16


cdef inline void lay(index_t *entries, uint32_t mask, const index_t *entry) noexcept nogil:
    """Into the first free place from its own on; there is one."""
    cdef uint32_t at = entry.index & mask
    while entries[at].what != NULL:
        at = (at + 1) & mask
    entries[at] = entry[0]


cdef int grow(indices_t *indices) except -1 nogil:
    """Twice the places: all entries move, 10 ns each."""
    cdef uint32_t places = 2 * (indices.mask + 1), i
    cdef index_t *entries = <index_t *> calloc(places, sizeof(index_t))
    if entries == NULL:
        with gil:
            raise MemoryError(f"a table of {indices.count} indices finds no room for more")
    for i in range(indices.mask + 1):
        if indices.entries[i].what != NULL:
            lay(entries, places - 1, &indices.entries[i])
    free(indices.entries)
    indices.entries, indices.mask = entries, places - 1
    return 0


cdef int indices_put(indices_t *indices, uint32_t index, void *what) except -1 nogil:
    """``what``, which is not NULL, under ``index``.

    ``ValueError`` where the index is in use, ``OverflowError`` at the limit, ``MemoryError`` without memory;
    nothing has changed then.
    """
    cdef index_t entry
    if indices_find(indices, index) != NULL:
        with gil:
            raise ValueError(f"index {index:#010x} is in use: draw another")
    if indices.count == indices.limit:
        with gil:
            raise OverflowError(f"the table is full: {indices.limit} indices")
    if 2 * indices.count > indices.mask:
        grow(indices)
    entry.index, entry.what = index, what
    lay(indices.entries, indices.mask, &entry)
    indices.count += 1
    return 0


cdef void indices_drop(indices_t *indices, uint32_t index) noexcept nogil:
    """Forget an index; nothing happens where it is not in use."""
    cdef index_t *entries = indices.entries
    cdef uint32_t mask = indices.mask, hole = index & mask, at
    while entries[hole].what != NULL and entries[hole].index != index:
        hole = (hole + 1) & mask
    if entries[hole].what == NULL:
        return
    at = (hole + 1) & mask
    while entries[at].what != NULL:
        if ((at - entries[at].index) & mask) >= ((at - hole) & mask):    # its own place is not behind the hole
            entries[hole] = entries[at]
            hole = at
        at = (at + 1) & mask
    entries[hole].what = NULL
    indices.count -= 1


cdef class Indices:
    """At most ``limit`` indices; for Python, each stands for a number below 2^63."""

    def __cinit__(self, limit):
        if not 1 <= limit <= LIMIT_MAX:
            raise ValueError(f"a table has 1 to {LIMIT_MAX} indices, not {limit}")
        self.c.limit = limit
        self.c.mask = PLACES_FIRST - 1
        self.c.entries = <index_t *> calloc(PLACES_FIRST, sizeof(index_t))
        if self.c.entries == NULL:
            raise MemoryError("a table of indices")

    def __init__(self, limit):
        pass

    def __dealloc__(self):
        free(self.c.entries)

    def put(self, uint32_t index, uint64_t number):
        """Let an index stand for a number. ``ValueError`` where it is in use, ``OverflowError`` at the limit."""
        if number >> 63:
            raise OverflowError(f"a number is below 2^63, not {number}")
        indices_put(&self.c, index, <void *> (number + 1))

    def find(self, uint32_t index):
        """What an index stands for, or None."""
        cdef void *what = indices_find(&self.c, index)
        return None if what == NULL else <uint64_t> what - 1

    def drop(self, uint32_t index):
        """Forget an index; nothing happens where it is not in use."""
        indices_drop(&self.c, index)

    def __len__(self):
        return self.c.count
