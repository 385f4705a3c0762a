"""C face of ``Impair``."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from tunnel.handler cimport Handler
from tunnel.hold cimport held_t, hold_t

ctypedef struct way_t:        # one direction; chances are thresholds of 2^64
    uint64_t rng
    bint losing               # the Gilbert model's bad state
    uint64_t lose             # chance to begin losing
    uint64_t lose_on          # chance to go on losing
    uint64_t duplicate
    uint64_t corrupt
    uint64_t reorder
    uint64_t delay_ns
    uint64_t jitter_ns
    uint64_t due_ns           # of the last packet that keeps the order
    double ns_per_byte        # 0 = no limit
    uint64_t queue            # bytes
    uint64_t free_ns          # when the line has sent all it was given
    uint64_t former_ns        # when it has sent what it was given at another rate
    double former_ns_per_byte
    uint32_t waiting          # packets held

ctypedef struct due_t:
    uint64_t ns
    uint64_t number           # packets due at one time keep their order
    held_t *held


cdef class Impair(Handler):
    cdef way_t[2] ways        # by ingress port
    cdef hold_t *store
    cdef due_t *heap          # room for all that the store can hold
    cdef uint32_t count
    cdef uint64_t number
    cdef uint64_t seen_ns     # when it was last at work
    cdef readonly object options
