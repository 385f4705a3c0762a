"""The memory in which the bytes of one breath lie: C face.

A chunk is one anonymous mapping; an arena is a cursor into a chunk. Packets are laid one
behind the other and the cursor is set back once they have been sent. Python views keep the
chunk, not the arena: a chunk that somebody still looks at is set aside and another taken.
"""

from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    ARENA_SIZE = 4194304      # pages that no packet reaches stay unmapped: not resident
    ARENA_FIRST = 64          # nothing lies at offset 0, so that 0 can mean none
    ARENA_RECEIVE = 1048576   # receives stop here; the rest is for what stages write
    HEADROOM = 64             # bytes kept free before each packet, the virtio header's 10 among them
    READ_MAX = 65600          # the largest read: 65,535 bytes of IP, Ethernet header, two tags, rounded

ctypedef struct arena_t:
    uint8_t *start
    uint32_t size
    uint32_t cursor
    uint32_t views            # Python views of the chunk in use
    void *face                # the Arena object, borrowed


cdef class Chunk:
    cdef uint8_t *start
    cdef size_t size
    cdef Arena arena          # the arena that writes here now; None once set aside


cdef class View:
    cdef Chunk chunk
    cdef uint8_t *start
    cdef Py_ssize_t size
    cdef bint writable


cdef class Arena:
    cdef arena_t c
    cdef Chunk chunk
    cdef list aside           # chunks that views still hold, at most ASIDE_MAX


cdef int arena_replace(arena_t *arena) except -1 nogil


cdef inline uint8_t *arena_take(arena_t *arena, uint32_t size) noexcept nogil:
    """``size`` bytes at the cursor, 8-aligned, or NULL where the arena is full."""
    cdef uint8_t *bytes = arena.start + arena.cursor
    if size > arena.size - arena.cursor:
        return NULL
    arena.cursor += (size + 7) & ~<uint32_t> 7
    if arena.cursor > arena.size:
        arena.cursor = arena.size
    return bytes


cdef inline int arena_rewind(arena_t *arena) except -1 nogil:
    """Forget what the arena holds; bytes that a view still shows are left to the view."""
    if arena.views:
        arena_replace(arena)
    arena.cursor = ARENA_FIRST
    return 0
