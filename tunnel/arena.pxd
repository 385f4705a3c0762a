"""The memory in which the bytes of one breath lie: C face.

A chunk is one anonymous mapping; an arena is a cursor into a chunk. Packets are laid one
behind the other and the cursor is set back once they have been sent. Python views keep the
chunk, not the arena: a chunk that somebody still looks at is set aside and another taken.

This is also where the C interface has its number. Any change of a public struct, of a slot or of
a cdef attribute raises the one in ``tunnel_abi_1``: each module that cimports from here fetches
that function when it is imported, so a plugin built against another layout fails with an
ImportError that names the symbol.
"""

from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    ARENA_SIZE = 4194304      # pages that no packet reaches stay unmapped: not resident
    ARENA_FIRST = 64          # nothing lies at offset 0, so that 0 can mean none
    ARENA_RECEIVE = 1048576   # receives stop here; the rest is for what stages write
    HEADROOM = 64             # bytes kept free before each packet, the virtio header's 10 among them
    TAILROOM = 32             # and behind it, where it lies alone: room for padding to 16 bytes and a 16-byte tag
    READ_MAX = 65600          # the largest read: 65,535 bytes of IP, Ethernet header, two tags, rounded

ctypedef struct arena_t:
    uint8_t *start
    uint32_t size
    uint32_t cursor
    uint32_t *views           # how many Python views show the chunk in use
    void *face                # the Arena object, borrowed


cdef class Chunk:
    cdef uint8_t *start
    cdef size_t size
    cdef uint32_t views
    cdef object __weakref__


cdef class View:
    cdef Chunk chunk
    cdef uint8_t *start
    cdef Py_ssize_t size


cdef class Arena:
    cdef arena_t c
    cdef Chunk chunk
    cdef list aside           # weak references to chunks that views keep


cdef int tunnel_abi_1() noexcept nogil


cdef inline int tunnel_abi() noexcept nogil:
    """Called by nobody; its call makes every importer fetch the symbol."""
    return tunnel_abi_1()


cdef int arena_replace(arena_t *arena) except -1 nogil
cdef object arena_view(arena_t *arena, uint8_t *start, Py_ssize_t size)


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
    if arena.views[0]:
        arena_replace(arena)
    arena.cursor = ARENA_FIRST
    return 0
