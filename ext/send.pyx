"""Step 4 of a breath: what waits for a device is sent, and what would block is held.

    plan_send       check what handlers say of super-packets, join what can be, send, hold the rest
    plan_flush      later: what is held, oldest first

A device that finds out that the kernel refuses a kind of super-packet lowers its ``accepts`` and stops
at that packet. The stage is lowered too, and the rest goes out in a form that is still accepted.
"""

from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memmove

from tunnel.arena cimport ARENA_FIRST, ARENA_RECEIVE, READ_MAX, arena_rewind, arena_t
from tunnel.batch cimport BATCH_RECEIVE, batch_t
from tunnel.device cimport Device
from tunnel.handler cimport tally_add, tally_subtract
from tunnel.hold cimport held_t, hold_copy, hold_drop, hold_put, hold_t
from tunnel.offload.claim cimport claim_check
from tunnel.offload.coalesce cimport coalesce_batch
from tunnel.packet cimport FRESH, NEEDS_CSUM, packet_drop, packet_t
from tunnel.stage cimport (
    plan_t, stage_fit, stage_forget_oldest, stage_lower, stage_prune, stage_t, stage_take,
)

from tunnel import reasons

cdef uint16_t UNCLAIMED = reasons.UNCLAIMED
cdef uint16_t NO_ROOM = reasons.NO_ROOM
cdef uint16_t HELD_FULL = reasons.HELD_FULL

cdef enum:
    STALE = 1                 # held_t.due_ns of what is still to be made to fit


cdef int plan_send(plan_t *plan, uint32_t i) except -1 nogil:
    """Send what waits for a device from the front, hold what would block."""
    cdef stage_t *device = &plan.stages[i]
    cdef batch_t *batch = stage_take(plan, device)
    cdef uint32_t done = 0
    if device.check:
        _check(device, batch)
    if device.join:
        coalesce_batch(batch, device.join)
    plan.at = i
    plan.hand = batch
    if device.tail.count == 0:
        done = <uint32_t> (<Device> device.who).c_send(batch)
        _sent(device, batch, done)
        while _lowered(device) and done < batch.count:
            _advance(batch, done)
            batch = plan.hand = stage_fit(plan, device, batch)
            done = <uint32_t> (<Device> device.who).c_send(batch)
            _sent(device, batch, done)
    plan.hand = NULL
    if done < batch.count:
        plan.blocked = True
        _hold(device, batch, done)
    batch.count = 0
    plan.spare = batch
    return 0


cdef void _check(stage_t *device, batch_t *batch) noexcept nogil:
    """Drop what does not fit its own virtio header: the kernel would refuse it, and all like it with it."""
    cdef uint32_t i
    cdef uint16_t reason
    cdef bint dropped = False
    for i in range(batch.count):
        if batch.packets[i].gso_type or batch.packets[i].vnet_flags & NEEDS_CSUM:
            reason = claim_check(&batch.packets[i])
            if reason:
                packet_drop(&batch.packets[i], reason)
                dropped = True
    if dropped:
        stage_prune(device, batch)


cdef inline bint _lowered(stage_t *device) noexcept nogil:
    """The device accepts less than before the send; its stage is told."""
    return stage_lower(device, (<Device> device.who).accepts)


cdef void _advance(batch_t *batch, uint32_t done) noexcept nogil:
    """Leave only what comes behind the packets that are done with."""
    batch.count -= done
    memmove(batch.packets, &batch.packets[done], batch.count * sizeof(packet_t))


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


cdef void _hold(stage_t *device, batch_t *batch, uint32_t done) noexcept nogil:
    """Keep what would block until the device is writable; the oldest goes where there is no room."""
    cdef uint32_t i
    cdef packet_t *p
    cdef held_t *held
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
    cdef batch_t *batch
    cdef uint32_t mark = plan.arena.cursor
    cdef uint32_t done, left = 0
    plan.at = i
    while device.tail.count and not left:
        batch = plan.spare
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
        if _lowered(device):
            _refit(plan, device, mark)
            left = 0
    return 0


cdef int _refit(plan_t *plan, stage_t *device, uint32_t mark) except -1 nogil:
    """Make everything that a device holds fit what it still accepts.

    Segments take more room than the super-packet; where that is too much, some are lost (HELD_FULL).
    """
    cdef held_t *held = device.tail.oldest
    while held != NULL:
        held.due_ns = STALE
        held = held.newer
    while device.tail.count and device.tail.oldest.due_ns == STALE:
        _refit_oldest(plan, device)
        _reclaim(plan.arena, mark)
    return 0


cdef void _refit_oldest(plan_t *plan, stage_t *device) noexcept nogil:
    """The oldest packet that is held becomes the newest, or its segments do."""
    cdef held_t *held = device.tail.oldest
    cdef batch_t *batch = plan.spare
    cdef packet_t *p = hold_copy(held, batch)
    tally_subtract(&device.counters.held, &held.packet)
    if p == NULL:
        tally_add(&device.counters.drops[NO_ROOM], &held.packet)
    else:
        p.flags &= ~FRESH
    hold_drop(device.tail, held)
    plan.spare = stage_fit(plan, device, batch)
    _hold(device, plan.spare, 0)
    plan.spare.count = 0


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
