"""Bounded stores for packets kept beyond their breath: delay lines, device tails, staging. C face.

A held packet is a copy: descriptor, endpoint and bytes in a slot of one of three sizes. Slots are
mapped when first needed and kept, so a store that has once been full allocates no more.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from tunnel.batch cimport batch_t
from tunnel.endpoint cimport endpoint_t
from tunnel.packet cimport packet_t

ctypedef struct held_t:
    packet_t packet           # data points into the slot
    endpoint_t endpoint       # size 0 = none
    held_t *older             # the store's list in order of arrival
    held_t *newer
    uint64_t due_ns           # the owner's: when it wants to let it go
    uint32_t kind             # slot size class

ctypedef struct hold_t:
    held_t *oldest
    held_t *newest
    held_t *free[3]           # by kind
    uint64_t bytes            # of slots in use
    uint64_t limit            # bytes
    uint32_t count
    void *chunks


cdef hold_t *hold_new(uint64_t limit) except NULL
cdef void hold_free(hold_t *store) noexcept
cdef held_t *hold_put(hold_t *store, const batch_t *batch, const packet_t *p) noexcept nogil
cdef packet_t *hold_copy(const held_t *held, batch_t *batch) noexcept nogil
cdef void hold_drop(hold_t *store, held_t *held) noexcept nogil
