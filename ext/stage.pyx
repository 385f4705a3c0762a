"""A stage is made of a handler or a device; what waits for it is made to fit, or forgotten, never uncounted.

    stages_fit      once, when the plan is made: what may come to each stage, and what is put before it
    stage_take      what waits for a stage, made to fit what it accepts
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from tunnel.batch cimport batch_t
from tunnel.device cimport Device
from tunnel.handler cimport Handler, tally_add, tally_subtract, tally_t
from tunnel.hold cimport hold_drop, hold_free, hold_new
from tunnel.offload.fit cimport fit_batch
from tunnel.packet cimport F_ALL, F_CSUM, packet_t

from tunnel import reasons
from tunnel.handler import accepted, is_native

cdef uint16_t UNCLAIMED = reasons.UNCLAIMED
cdef uint16_t NO_ROOM = reasons.NO_ROOM

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
    stage.brings = handler.brings
    stage.fd = -1
    return _ports(stage, <uint32_t> len(handler.ports))


cdef int stage_device(stage_t *stage, Device device, tally_t *uncounted) except -1:
    """The stage of a device: what a link brings is counted when it is sent."""
    stage.who = <void *> device
    stage.counters = device.counters
    stage.entering = stage.leaving = uncounted
    stage.accepts = device.accepts
    stage.brings = device.brings
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


cdef bint _spread(plan_t *plan, uint32_t place) noexcept:
    """Tell the neighbours of a stage what its packets may carry, and what they cannot; True where that is news."""
    cdef stage_t *stage = &plan.stages[place]
    cdef stage_t *target
    cdef bint handler = place < plan.handlers
    cdef uint32_t carried = stage.carried & stage.accepts if handler else 0
    cdef uint32_t lacked = stage.lacked | F_ALL & ~stage.accepts if handler else F_ALL & ~stage.brings
    cdef bint news = False
    cdef uint32_t port
    carried |= stage.brings
    for port in range(stage.ports):
        if stage.out[port].target == NOWHERE:
            continue
        target = &plan.stages[stage.out[port].target]
        news |= carried & ~target.carried != 0 or lacked & ~target.lacked != 0
        target.carried |= carried
        target.lacked |= lacked
        target.check |= handler and carried != 0
    return news


cdef void stages_fit(plan_t *plan) noexcept:
    """Decide what is put in front of each stage: ``fit``, and for devices ``check`` and ``join``."""
    cdef stage_t *stage
    cdef uint32_t place
    cdef bint news = True
    while news:
        news = False
        for place in range(plan.count):
            news |= _spread(plan, place)
    for place in range(plan.count):
        stage = &plan.stages[place]
        stage.fit = stage.carried & ~stage.accepts != 0
        if place >= plan.handlers:
            stage.join = stage.lacked
            stage_lower(stage, stage.accepts)


cdef bint stage_lower(stage_t *stage, uint32_t accepts) noexcept nogil:
    """A device stage is given, from now on, no more than this; True where it was given more."""
    cdef uint32_t lower = stage.accepts & accepts
    cdef bint lowered = lower != stage.accepts
    stage.accepts = lower
    stage.fit |= lowered
    stage.join = (stage.join & lower & ~<uint32_t> F_CSUM) | F_CSUM
    if stage.join == F_CSUM or not lower & F_CSUM:
        stage.join = 0
    return lowered


cdef batch_t *stage_take(plan_t *plan, stage_t *stage) noexcept nogil:
    """The inbox, made to fit what the stage accepts; the spare batch takes its place."""
    cdef batch_t *batch = stage.inbox
    stage.inbox = plan.spare
    plan.spare = NULL
    return stage_fit(plan, stage, batch) if stage.fit else batch


cdef batch_t *stage_fit(plan_t *plan, stage_t *stage, batch_t *batch) noexcept nogil:
    """The packets of the batch as the stage accepts them, in another batch; the plan keeps this one, empty."""
    cdef batch_t *fitted = plan.fitted
    cdef uint32_t i
    for i in range(fit_batch(batch, fitted, stage.accepts), batch.count):
        tally_add(&stage.counters.drops[NO_ROOM], &batch.packets[i])
    batch.count = 0
    plan.fitted = batch
    stage_prune(stage, fitted)
    return fitted


cdef void stage_prune(stage_t *stage, batch_t *batch) noexcept nogil:
    """Take out and count what has a reason; all others have none yet."""
    cdef uint32_t i, kept = 0
    cdef packet_t *p
    for i in range(batch.count):
        p = &batch.packets[i]
        if p.reason != UNCLAIMED:
            tally_add(&stage.counters.drops[p.reason], p)
            continue
        if kept != i:
            batch.packets[kept] = p[0]
        kept += 1
    batch.count = kept


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
