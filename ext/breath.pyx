"""The one data path. A breath, in the order in which packets meet it:

    1  receive      a device reads up to 64 packets, or a few runs, into the arena
    2  parse        offsets, flow; what is malformed has its reason
    3  walk         stage by stage: fit what it cannot take, process, scatter by egress
    4  send         each device what waits for it (tunnel.send); what would block is held as its tail
    5  rewind       the arena is empty again
    6  punts        what native code left to Python, one call a handler, then 3 to 5 again

1 to 5 repeat without the GIL until the device is drained, a punt waits, or 16 times. Policy
(readiness, timers, back-pressure, what to do about an error) lives in ``tunnel.engine``.
"""

from libc.stdint cimport uint16_t, uint32_t

from tunnel.arena cimport arena_rewind
from tunnel.batch cimport batch_t
from tunnel.device cimport Device
from tunnel.handler cimport Handler, handler_process_python, tally_add
from tunnel.packet cimport DROP, FOLLOWS, FRESH, packet_drop, packet_t
from tunnel.parse cimport parse_batch
from tunnel.scatter cimport plan_scatter
from tunnel.send cimport plan_send
from tunnel.stage cimport plan_t, stage_t, stage_take

from tunnel import reasons

cdef enum:
    REPEATS = 16              # receives in one breath
    ROUNDS = 8                # times round the stages in one walk

cdef uint16_t UNCLAIMED = reasons.UNCLAIMED
cdef uint16_t QUARANTINED = reasons.QUARANTINED


cdef int plan_breathe(plan_t *plan, uint32_t i) except -1 nogil:
    """Steps 1 to 5. Returns 1 where the device may have more, 0 where it is drained."""
    cdef stage_t *device = &plan.stages[i]
    cdef batch_t *batch
    cdef int _
    plan_exhale(plan)
    for _ in range(REPEATS):
        if plan.punted or plan.waiting:
            return 1
        plan.at = i
        batch = plan.spare
        batch.count = 0
        (<Device> device.who).c_recv(batch)
        if batch.count == 0:
            return 0
        parse_batch(batch)
        _received(device, batch)
        plan.spare = plan_scatter(plan, device, batch)
        plan_exhale(plan)
    return 1


cdef void _received(stage_t *device, batch_t *batch) noexcept nogil:
    """Count what came in; what the parser found good leaves by the device's one port."""
    cdef uint32_t i
    cdef packet_t *p
    for i in range(batch.count):
        p = &batch.packets[i]
        tally_add(&device.counters.rx, p)
        p.flags &= ~(FRESH | FOLLOWS)
        p.hops = 0
        p.egress = 0 if p.reason == UNCLAIMED else DROP


cdef int plan_exhale(plan_t *plan) except -1 nogil:
    """Steps 3 to 5 for whatever waits."""
    cdef uint32_t i
    _walk(plan)
    for i in range(plan.handlers, plan.count):
        if plan.stages[i].inbox.count:
            plan_send(plan, i)
    if not plan.punted and not plan.waiting:
        arena_rewind(plan.arena)
    return 0


cdef int _walk(plan_t *plan) except -1 nogil:
    """Step 3: serve the stages in order, round after round, until nothing waits."""
    cdef uint32_t i
    cdef int _
    for _ in range(ROUNDS):
        plan.waiting = False
        for i in range(plan.handlers):
            if plan.stages[i].inbox.count:
                plan.waiting = True
                _serve(plan, i)
        if not plan.waiting:
            break
    return 0


cdef int _serve(plan_t *plan, uint32_t i) except -1 nogil:
    """One stage: take its inbox, let it decide, scatter."""
    cdef stage_t *stage = &plan.stages[i]
    cdef batch_t *batch = stage_take(plan, stage)
    batch.now_ns = plan.now_ns
    plan.at = i
    plan.hand = batch
    if stage.quarantined:
        _drop_all(batch, QUARANTINED)
    elif stage.python:
        handler_process_python(<Handler> stage.who, batch)
    else:
        (<Handler> stage.who).c_process(batch)
    stage.failures = 0
    plan.hand = NULL
    plan.spare = plan_scatter(plan, stage, batch)
    return 0


cdef void _drop_all(batch_t *batch, uint16_t reason) noexcept nogil:
    cdef uint32_t i
    for i in range(batch.count):
        packet_drop(&batch.packets[i], reason)
