"""Bounded stores for packets kept beyond their breath.

A slot is one ``held_t`` with its bytes behind it; slots of a size class are cut from chunks of
that class. A chunk is mapped when its class has no free slot and is kept until the store goes,
so a store that has once been full asks the kernel for nothing more.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from tunnel.arena cimport HEADROOM, READ_MAX, TAILROOM, arena_take
from tunnel.batch cimport Batch, batch_append, batch_t
from tunnel.endpoint cimport endpoint_at, endpoint_new
from tunnel.packet cimport FRESH, RELEASED, SHARED, packet_t

cdef extern from "sys/mman.h" nogil:
    enum: PROT_READ
    enum: PROT_WRITE
    enum: MAP_PRIVATE
    enum: MAP_ANONYMOUS
    void *MAP_FAILED
    void *mmap(void *address, size_t size, int protection, int flags, int fd, long offset)
    int munmap(void *address, size_t size)

cdef enum:
    KINDS = 3
    CHUNK_HEADER = 64

ctypedef struct chunk_t:
    void *next
    uint64_t size

# Bytes of a packet that a slot takes, and bytes mapped at a time: the free list touches the first
# page of every slot, so chunks of small slots are small.
cdef uint32_t[3] ROOM = [256, 2048, READ_MAX]
cdef uint32_t[3] CHUNK = [65536, 262144, 1048576]


cdef inline uint32_t slot_size(uint32_t kind) noexcept nogil:
    return (sizeof(held_t) + HEADROOM + ROOM[kind] + 63) & ~<uint32_t> 63


cdef hold_t *hold_new(uint64_t limit) except NULL:
    """An empty store of at most ``limit`` bytes of slots in use."""
    cdef hold_t *store = <hold_t *> calloc(1, sizeof(hold_t))
    if store == NULL:
        raise MemoryError("a store of held packets")
    store.limit = limit
    return store


cdef void hold_free(hold_t *store) noexcept:
    """Unmap the store and all it holds; NULL is allowed."""
    cdef chunk_t *chunk
    cdef chunk_t *following
    if store == NULL:
        return
    chunk = <chunk_t *> store.chunks
    while chunk != NULL:
        following = <chunk_t *> chunk.next
        munmap(chunk, chunk.size)
        chunk = following
    free(store)


cdef bint map_chunk(hold_t *store, uint32_t kind) noexcept nogil:
    """Another chunk of ``kind``, its slots put on the free list; False without memory."""
    cdef uint32_t size = slot_size(kind), offset = CHUNK_HEADER
    cdef void *room = mmap(NULL, CHUNK[kind], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    cdef held_t *held
    if room == MAP_FAILED:
        return False
    (<chunk_t *> room).next = store.chunks
    (<chunk_t *> room).size = CHUNK[kind]
    store.chunks = room
    while offset + size <= CHUNK[kind]:
        held = <held_t *> (<uint8_t *> room + offset)
        held.kind = kind
        held.newer = store.free[kind]
        store.free[kind] = held
        offset += size
    return True


cdef held_t *take_slot(hold_t *store, uint32_t size) noexcept nogil:
    """A free slot for ``size`` bytes, counted; NULL where the limit or memory ends."""
    cdef uint32_t kind = 0
    cdef held_t *held
    while kind < KINDS and size > ROOM[kind]:
        kind += 1
    if kind == KINDS or store.bytes + slot_size(kind) > store.limit:
        return NULL
    if store.free[kind] == NULL and not map_chunk(store, kind):
        return NULL
    held = store.free[kind]
    store.free[kind] = held.newer
    store.bytes += slot_size(kind)
    store.count += 1
    return held


cdef inline void link_newest(hold_t *store, held_t *held) noexcept nogil:
    held.older = store.newest
    held.newer = NULL
    if store.newest == NULL:
        store.oldest = held
    else:
        store.newest.newer = held
    store.newest = held


cdef held_t *hold_put(hold_t *store, const batch_t *batch, const packet_t *p) noexcept nogil:
    """A copy of ``p`` as the store's newest; NULL where it would pass the limit.

    The caller then decides: drop the oldest (counted HELD_FULL) and try again, or drop ``p``.
    """
    cdef held_t *held = take_slot(store, p.len)
    if held == NULL:
        return NULL
    held.packet = p[0]
    held.packet.data = <uint8_t *> held + sizeof(held_t) + HEADROOM
    held.packet.headroom = HEADROOM
    held.packet.tailroom = ROOM[held.kind] - p.len
    held.packet.flags &= ~(SHARED | FRESH)
    held.due_ns = 0
    held.endpoint.size = 0
    if p.endpoint:
        held.endpoint = endpoint_at(batch.arena, p.endpoint)[0]
    memcpy(held.packet.data, p.data, p.len)
    link_newest(store, held)
    return held


cdef packet_t *hold_copy(const held_t *held, batch_t *batch) noexcept nogil:
    """The held packet appended to ``batch``, RELEASED; NULL where there is no room.

    The slot stays in use until ``hold_drop``. The caller sets egress.
    """
    cdef uint32_t endpoint = 0
    cdef uint8_t *room = arena_take(batch.arena, HEADROOM + held.packet.len + TAILROOM)
    cdef packet_t *p
    if held.endpoint.size:
        endpoint = endpoint_new(batch.arena)
    if room == NULL or (held.endpoint.size and endpoint == 0):
        return NULL
    p = batch_append(batch)
    if p == NULL:
        return NULL
    p[0] = held.packet
    p.data = room + HEADROOM
    p.tailroom = TAILROOM
    p.flags |= RELEASED
    p.endpoint = endpoint
    if endpoint:
        endpoint_at(batch.arena, endpoint)[0] = held.endpoint
    memcpy(p.data, held.packet.data, p.len)
    return p


cdef void hold_drop(hold_t *store, held_t *held) noexcept nogil:
    """Give the slot back, wherever in the list it stands."""
    if held.older == NULL:
        store.oldest = held.newer
    else:
        held.older.newer = held.newer
    if held.newer == NULL:
        store.newest = held.older
    else:
        held.newer.older = held.older
    store.bytes -= slot_size(held.kind)
    store.count -= 1
    held.newer = store.free[held.kind]
    store.free[held.kind] = held


cdef class Hold:
    """A bounded store of packets for handlers written in Python.

    ``limit`` is in bytes of slots: a packet of up to 256 bytes takes about 500, one of up to 2,048
    about 2,300, a larger one about 66,000.
    """

    cdef hold_t *store

    def __cinit__(self, uint64_t limit):
        self.store = hold_new(limit)

    def __init__(self, limit):
        pass

    def __dealloc__(self):
        hold_free(self.store)

    def put(self, Batch batch, uint32_t index):
        """Keep a copy of packet ``index``; False where the limit would be passed.

        The caller sets the packet's egress to HELD. ``IndexError`` where there is no such packet.
        """
        if index >= batch.c.count:
            raise IndexError(index)
        return hold_put(self.store, &batch.c, &batch.c.packets[index]) != NULL

    def release(self, Batch batch):
        """Append the oldest packet to ``batch`` and forget it; False where nothing is held or no room is left."""
        cdef held_t *held = self.store.oldest
        if held == NULL or hold_copy(held, &batch.c) == NULL:
            return False
        hold_drop(self.store, held)
        return True

    def __len__(self):
        return self.store.count

    @property
    def bytes(self):
        """Bytes of the slots in use."""
        return self.store.bytes
