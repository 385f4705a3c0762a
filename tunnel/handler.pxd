"""A handler decides about packets. C face: one slot, and the struct its counts live in."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from tunnel.batch cimport batch_t
from tunnel.packet cimport FOLLOWS, packet_segments, packet_t

cdef enum:
    REASONS_MAX = 256

ctypedef struct tally_t:
    uint64_t descriptors      # what kernel counters count: a super-packet, or a run, once
    uint64_t packets          # wire packets: a super-packet counts its segments
    uint64_t bytes            # at data, headers of a super-packet once

ctypedef struct counters_t:
    tally_t rx
    tally_t tx
    tally_t emitted
    tally_t cloned
    tally_t held              # a gauge: what is kept now
    tally_t consumed
    tally_t drops[256]        # by reason, REASONS_MAX


cdef inline void tally_add(tally_t *tally, const packet_t *p) noexcept nogil:
    tally.descriptors += not p.flags & FOLLOWS
    tally.packets += packet_segments(p)
    tally.bytes += p.len


cdef inline void tally_subtract(tally_t *tally, const packet_t *p) noexcept nogil:
    tally.descriptors -= not p.flags & FOLLOWS
    tally.packets -= packet_segments(p)
    tally.bytes -= p.len


cdef class Handler:
    cdef public str name
    cdef public uint64_t deadline_ns      # when tick wants to be called; 0 = never
    cdef counters_t *counters
    cdef dict __dict__
    cdef object __weakref__
    cdef int c_process(self, batch_t *batch) except -1 nogil


cdef int handler_process_python(Handler handler, batch_t *batch) except -1 nogil
cdef dict counters_dict(const counters_t *counters)
