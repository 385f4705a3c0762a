"""The one data path. A breath, in the order in which packets meet it:

    1  receive      a device reads up to 64 packets, or a few runs, into the arena
    2  parse        offsets, flow; what is malformed has its reason
    3  walk         stage by stage: fit what it cannot take, process, scatter by egress
    4  send         each device what waits for it; what would block is held as its tail
    5  rewind       the arena is empty again
    6  punts        what native code left to Python, one call a handler, then 3 to 5 again

1 to 5 repeat without the GIL until the device is drained, a punt waits, or 16 times. Policy
(readiness, timers, back-pressure, what to do about an error) lives in ``tunnel.engine``.
"""

from libc.stdint cimport uint16_t, uint32_t

from tunnel.arena cimport ARENA_FIRST, ARENA_RECEIVE, READ_MAX, arena_rewind, arena_t
from tunnel.batch cimport BATCH_RECEIVE, batch_t
from tunnel.device cimport Device
from tunnel.handler cimport Handler, handler_process_python, tally_add, tally_subtract
from tunnel.hold cimport held_t, hold_copy, hold_drop, hold_put, hold_t
from tunnel.offload.fit cimport fit_batch
from tunnel.packet cimport DROP, FRESH, packet_drop, packet_t
from tunnel.parse cimport parse_batch
from tunnel.scatter cimport plan_scatter
from tunnel.stage cimport plan_t, stage_forget_oldest, stage_t

from tunnel import reasons

cdef enum:
    REPEATS = 16              # receives in one breath
    ROUNDS = 8                # times round the stages in one walk

cdef uint16_t UNCLAIMED = reasons.UNCLAIMED
cdef uint16_t NO_ROOM = reasons.NO_ROOM
cdef uint16_t HELD_FULL = reasons.HELD_FULL
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
        p.flags &= ~FRESH
        p.hops = 0
        p.egress = 0 if p.reason == UNCLAIMED else DROP


cdef int plan_exhale(plan_t *plan) except -1 nogil:
    """Steps 3 to 5 for whatever waits."""
    cdef uint32_t i
    _walk(plan)
    for i in range(plan.handlers, plan.count):
        if plan.stages[i].inbox.count:
            _send(plan, i)
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
    cdef batch_t *batch = _take(plan, stage)
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


cdef batch_t *_take(plan_t *plan, stage_t *stage) noexcept nogil:
    """The inbox, made to fit what the stage accepts; the spare batch takes its place."""
    cdef batch_t *batch = stage.inbox
    cdef uint32_t i
    stage.inbox = plan.spare
    plan.spare = NULL
    if stage.fit:
        for i in range(fit_batch(batch, plan.fitted, stage.accepts), batch.count):
            tally_add(&stage.counters.drops[NO_ROOM], &batch.packets[i])
        batch, plan.fitted = plan.fitted, batch
        plan.fitted.count = 0
        _prune(stage, batch)
    return batch


cdef void _prune(stage_t *stage, batch_t *batch) noexcept nogil:
    """Take out what could not be made to fit; all others have no reason yet."""
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


cdef void _drop_all(batch_t *batch, uint16_t reason) noexcept nogil:
    cdef uint32_t i
    for i in range(batch.count):
        packet_drop(&batch.packets[i], reason)


cdef int _send(plan_t *plan, uint32_t i) except -1 nogil:
    """Step 4 for one device: send from the front, hold what would block."""
    cdef stage_t *device = &plan.stages[i]
    cdef batch_t *batch = _take(plan, device)
    cdef uint32_t done = 0
    plan.at = i
    plan.hand = batch
    if device.tail.count == 0:
        done = <uint32_t> (<Device> device.who).c_send(batch)
        _sent(device, batch, done)
    plan.hand = NULL
    if done < batch.count:
        _hold_tail(plan, device, batch, done)
    batch.count = 0
    plan.spare = batch
    return 0


cdef void _sent(stage_t *device, batch_t *batch, uint32_t done) noexcept nogil:
    """Count the packets that the device is done with."""
    cdef uint32_t i
    cdef packet_t *p
    for i in range(done):
        p = &batch.packets[i]
        if p.reason == UNCLAIMED:
            tally_add(&device.counters.tx, p)
        else:
            tally_add(&device.counters.drops[p.reason & 0xff], p)


cdef void _hold_tail(plan_t *plan, stage_t *device, batch_t *batch, uint32_t done) noexcept nogil:
    """Keep what would block until the device is writable; the oldest goes where there is no room."""
    cdef uint32_t i
    cdef packet_t *p
    cdef held_t *held
    plan.blocked = True
    for i in range(done, batch.count):
        p = &batch.packets[i]
        held = hold_put(device.tail, batch, p)
        while held == NULL and device.tail.count and p.len <= READ_MAX:
            stage_forget_oldest(device, HELD_FULL)
            held = hold_put(device.tail, batch, p)
        tally_add(&device.counters.held if held != NULL else &device.counters.drops[NO_ROOM], p)


cdef int plan_flush(plan_t *plan, uint32_t i) except -1 nogil:
    """Send what a device holds, oldest first, as long as it takes it."""
    cdef stage_t *device = &plan.stages[i]
    cdef batch_t *batch = plan.spare
    cdef uint32_t mark = plan.arena.cursor
    cdef uint32_t done, left = 0
    plan.at = i
    while device.tail.count and not left:
        _fill(device.tail, batch)
        if batch.count == 0:
            break  # what waits inside fills the arena: after the next breath
        done = <uint32_t> (<Device> device.who).c_send(batch)
        _sent(device, batch, done)
        for _ in range(done):
            tally_subtract(&device.counters.held, &device.tail.oldest.packet)
            hold_drop(device.tail, device.tail.oldest)
        left = batch.count - done
        batch.count = 0
        _reclaim(plan.arena, mark)
    return 0


cdef void _fill(hold_t *tail, batch_t *batch) noexcept nogil:
    cdef held_t *held = tail.oldest
    cdef packet_t *p
    while held != NULL and batch.count < BATCH_RECEIVE and batch.arena.cursor < ARENA_RECEIVE:
        p = hold_copy(held, batch)
        if p == NULL:
            break
        p.flags &= ~FRESH
        held = held.newer


cdef int _reclaim(arena_t *arena, uint32_t mark) except -1 nogil:
    """Give back what lies behind ``mark``; before it lie packets that wait inside."""
    if mark == ARENA_FIRST:
        arena_rewind(arena)
    elif arena.views[0] == 0:
        arena.cursor = mark
    return 0
