"""Random 32-bit indices and what they stand for. C face.

Open addressing with linear probing, at most half full; what is dropped leaves no mark, for those behind
it move up. The index itself chooses the place: whoever puts one has drawn it from a cryptographic
generator, so nobody else decides where entries lie, and a stranger who asks for indices of his choice
meets runs as short as anywhere.
"""

from libc.stdint cimport uint32_t

ctypedef struct index_t:
    void *what                # NULL = a free place
    uint32_t index

ctypedef struct indices_t:
    index_t *entries
    uint32_t mask             # places - 1
    uint32_t count
    uint32_t limit


cdef class Indices:
    cdef indices_t c


cdef int indices_put(indices_t *indices, uint32_t index, void *what) except -1 nogil
cdef void indices_drop(indices_t *indices, uint32_t index) noexcept nogil


cdef inline void *indices_find(const indices_t *indices, uint32_t index) noexcept nogil:
    """What was put under ``index``, or NULL."""
    cdef uint32_t at = index & indices.mask
    while indices.entries[at].what != NULL:
        if indices.entries[at].index == index:
            return indices.entries[at].what
        at = (at + 1) & indices.mask
    return NULL
