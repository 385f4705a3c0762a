"""A stage is made of a handler or a device; what waits for it can be forgotten, never uncounted."""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from tunnel.batch cimport batch_t
from tunnel.device cimport Device
from tunnel.handler cimport Handler, tally_add, tally_subtract, tally_t
from tunnel.hold cimport hold_drop, hold_free, hold_new
from tunnel.packet cimport packet_t

from tunnel.handler import accepted, is_native

cdef enum:
    TAIL_LIMIT = 8388608      # bytes that one device may hold back


cdef int stage_handler(stage_t *stage, Handler handler) except -1:
    """The stage of a handler."""
    stage.who = <void *> handler
    stage.counters = handler.counters
    stage.entering = &stage.counters.rx
    stage.leaving = &stage.counters.tx
    stage.python = not is_native(handler)
    stage.accepts = accepted(handler)
    stage.fd = -1
    return _ports(stage, <uint32_t> len(handler.ports))


cdef int stage_device(stage_t *stage, Device device, tally_t *uncounted) except -1:
    """The stage of a device: what a link brings is counted when it is sent."""
    stage.who = <void *> device
    stage.counters = device.counters
    stage.entering = stage.leaving = uncounted
    stage.accepts = device.accepts
    stage.tail = hold_new(TAIL_LIMIT)
    stage.fd = -1
    return _ports(stage, 1)


cdef int _ports(stage_t *stage, uint32_t ports) except -1:
    cdef uint32_t port
    stage.out = <link_t *> calloc(max(ports, 1), sizeof(link_t))
    if stage.out == NULL:
        raise MemoryError("no memory for the links of a stage")
    stage.ports = ports
    for port in range(ports):
        stage.out[port].target = NOWHERE
    return 0


cdef void stage_free(stage_t *stage) noexcept:
    """Free what the stage owns; one that was never made is allowed."""
    free(stage.out)
    hold_free(stage.tail)


cdef void stage_forget(stage_t *stage, uint16_t reason) noexcept nogil:
    """Drop what waits for a stage, and what a device holds."""
    _forget(stage, stage.inbox, reason)
    if stage.punts != NULL:
        _forget(stage, stage.punts, reason)
    while stage.tail != NULL and stage.tail.count:
        stage_forget_oldest(stage, reason)


cdef void _forget(stage_t *stage, batch_t *batch, uint16_t reason) noexcept nogil:
    cdef uint32_t i
    for i in range(batch.count):
        tally_add(&stage.counters.drops[reason], &batch.packets[i])
    batch.count = 0


cdef void stage_forget_oldest(stage_t *stage, uint16_t reason) noexcept nogil:
    """Drop the oldest packet that a device holds."""
    cdef packet_t *oldest = &stage.tail.oldest.packet
    tally_add(&stage.counters.drops[reason], oldest)
    tally_subtract(&stage.counters.held, oldest)
    hold_drop(stage.tail, stage.tail.oldest)


cdef set stages_reached(plan_t *plan, uint32_t start):
    """The places that packets of the stage at ``start`` may come to."""
    cdef uint32_t place, port
    found, todo = set(), [start]
    while todo:
        place = todo.pop()
        for port in range(plan.stages[place].ports):
            target = plan.stages[place].out[port].target
            if target != NOWHERE and target not in found:
                found.add(target)
                todo += [target] if target < plan.handlers else []
    return found


cdef int stages_fit(plan_t *plan, uint32_t device) except -1:
    """Mark the stages that packets of a device may reach which they do not accept."""
    cdef unsigned int brings = (<Device> plan.stages[device].who).brings
    cdef uint32_t place
    for place in stages_reached(plan, device):
        plan.stages[place].fit |= brings & ~plan.stages[place].accepts != 0
    return 0


cdef uint64_t stage_deadline(const stage_t *stage) noexcept nogil:
    """When the handler of a stage wants its tick; 0 = never."""
    return 0 if stage.quarantined else (<Handler> stage.who).deadline_ns


cdef uint64_t stages_earliest(const plan_t *plan) noexcept nogil:
    """The earliest of the handlers' deadlines; 0 = none."""
    cdef uint64_t at, earliest = 0
    cdef uint32_t i
    for i in range(plan.handlers):
        at = stage_deadline(&plan.stages[i])
        if at and (not earliest or at < earliest):
            earliest = at
    return earliest
