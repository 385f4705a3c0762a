"""Stages and plans: what ``tunnel.plan`` builds and ``tunnel.breath`` walks; not for plugins."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from tunnel.arena cimport arena_t
from tunnel.batch cimport batch_t
from tunnel.device cimport Device
from tunnel.handler cimport Handler, counters_t, tally_t
from tunnel.hold cimport hold_t

cdef enum:
    NOWHERE = 0xffffffff      # the target of a port that no link joins

ctypedef struct link_t:
    uint32_t target           # place of a stage; NOWHERE
    uint16_t port

ctypedef struct stage_t:      # a handler, or a device seen from the graph
    void *who                 # Handler or Device, borrowed
    counters_t *counters
    tally_t *entering         # where packets are counted that a link brings
    tally_t *leaving
    batch_t *inbox            # what waits for it
    batch_t *punts            # what waits for its punted(); NULL for a device
    link_t *out
    uint32_t ports
    uint32_t accepts          # feature_t, as the next four are
    uint32_t brings           # of what it makes, or receives from outside
    uint32_t carried          # by packets that may come
    uint32_t lacked           # somewhere on the way of packets that may come
    uint32_t join             # a device's: super-packets that are made for it; 0 = none
    bint fit                  # more may come than it accepts
    bint check                # a device's: what virtio headers claim has been in a handler's hands
    bint python               # its Python face decides
    bint quarantined
    uint32_t failures         # in a row
    bint told                 # its first traceback has been logged
    hold_t *tail              # a device's: what it could not send yet
    int fd                    # a device's while a loop watches it; -1


ctypedef struct plan_t:
    stage_t *stages           # the handlers, then the devices
    uint32_t count
    uint32_t handlers
    uint32_t at               # the stage that has the batch in hand
    batch_t *hand             # that batch; NULL between stages
    batch_t *spare            # empty, to take the place of an inbox
    batch_t *fitted           # empty, for what segmenting yields
    arena_t *arena
    uint64_t now_ns
    uint64_t told_ns          # the deadline that the loop knows of
    bint punted               # some stage has punts waiting
    bint waiting              # rounds were used up, or something raised: inboxes may not be empty
    bint blocked              # some device has a tail
    tally_t uncounted         # where a device's graph side is counted: read by nobody


cdef int stage_handler(stage_t *stage, Handler handler) except -1
cdef int stage_device(stage_t *stage, Device device, tally_t *uncounted) except -1
cdef void stage_free(stage_t *stage) noexcept
cdef void stage_forget(stage_t *stage, uint16_t reason) noexcept nogil
cdef void stage_forget_oldest(stage_t *stage, uint16_t reason) noexcept nogil
cdef set stages_reached(plan_t *plan, uint32_t start)
cdef void stages_fit(plan_t *plan) noexcept
cdef bint stage_lower(stage_t *stage, uint32_t accepts) noexcept nogil
cdef batch_t *stage_take(plan_t *plan, stage_t *stage) noexcept nogil
cdef batch_t *stage_fit(plan_t *plan, stage_t *stage, batch_t *batch) noexcept nogil
cdef void stage_prune(stage_t *stage, batch_t *batch) noexcept nogil
cdef uint64_t stage_deadline(const stage_t *stage) noexcept nogil
cdef uint64_t stages_earliest(const plan_t *plan) noexcept nogil
