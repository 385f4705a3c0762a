"""A batch is the packets of one breath and the arena that holds their bytes. C face."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from tunnel.arena cimport HEADROOM, TAILROOM, Arena, arena_t, arena_take
from tunnel.packet cimport (
    CLONED, EMITTED, SHARED, Packet, packet_lay, packet_t,
)

cdef enum:
    BATCH_RECEIVE = 64        # packets a receive; 256 measured no better
    BATCH_MAX = 16384         # packets a batch grows to; beyond that they are dropped (NO_ROOM)

ctypedef struct batch_t:
    packet_t *packets
    uint32_t count
    uint32_t room             # descriptors allocated
    arena_t *arena
    uint64_t now_ns           # CLOCK_MONOTONIC when the breath began; 0 in tests without a clock
    void *face                # the Batch object, borrowed


cdef bint batch_grow(batch_t *batch) noexcept nogil


cdef inline packet_t *batch_append(batch_t *batch) noexcept nogil:
    """The next free descriptor, counted, its fields as they were; NULL at BATCH_MAX."""
    if batch.count == batch.room and not batch_grow(batch):
        return NULL
    batch.count += 1
    return &batch.packets[batch.count - 1]


cdef inline packet_t *batch_emit(batch_t *batch, uint32_t size) noexcept nogil:
    """A new packet of ``size`` bytes, not zeroed, room around it; NULL where there is no room.

    The caller writes the bytes, sets medium and egress and calls ``parse_packet``. Pointers to
    other descriptors of the batch are void afterwards (the array may have moved).
    """
    cdef uint8_t *room = arena_take(batch.arena, HEADROOM + size + TAILROOM)
    cdef packet_t *p
    if room == NULL:
        return NULL
    p = batch_append(batch)
    if p != NULL:
        packet_lay(p, room, HEADROOM, size, TAILROOM)
        p.flags = EMITTED
    return p


cdef inline packet_t *batch_clone(batch_t *batch, uint32_t index) noexcept nogil:
    """A second descriptor of the same bytes; both are SHARED. NULL where there is no room."""
    cdef packet_t *copy = batch_append(batch)
    if copy == NULL:
        return NULL
    batch.packets[index].flags |= SHARED
    memcpy(copy, &batch.packets[index], sizeof(packet_t))
    copy.flags |= CLONED
    return copy


cdef class Batch:
    cdef batch_t c
    cdef Arena arena
    cdef Packet view0, view1  # alternate in iteration; one that somebody keeps is replaced
    cdef list extra           # further packets handed out in this breath
    cdef list retired         # descriptor arrays outgrown, which a column may still show

cdef class BatchIterator:
    cdef Batch batch
    cdef uint32_t index

cdef int batch_settle(batch_t *batch) except -1
