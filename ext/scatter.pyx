"""After a stage has decided: each packet into the inbox that its egress names, or to its end.

Counting happens here and nowhere else: what leaves a stage, what enters the next, what ends.
"""

from libc.stdint cimport uint16_t, uint32_t

from tunnel.batch cimport batch_append, batch_t
from tunnel.handler cimport counters_t, tally_add, tally_subtract
from tunnel.packet cimport CLONED, CONSUMED, DROP, FRESH, HELD, PUNT, RELEASED, packet_t
from tunnel.stage cimport NOWHERE, link_t, plan_t, stage_t

from tunnel import reasons

cdef enum:
    HOPS = 16                 # handlers that may see one packet

cdef uint16_t UNCLAIMED = reasons.UNCLAIMED
cdef uint16_t UNLINKED = reasons.UNLINKED
cdef uint16_t LOOP = reasons.LOOP
cdef uint16_t NO_ROOM = reasons.NO_ROOM


cdef batch_t *plan_scatter(plan_t *plan, stage_t *stage, batch_t *batch) noexcept nogil:
    """Move packets into the inboxes that their egress names, in order; returns an empty batch.

    Packets that all go one way stay where they are and the batch itself is handed on; only a
    second way costs copies of descriptors (64 bytes each).
    """
    cdef uint32_t i, kept = 0
    cdef stage_t *first = NULL
    cdef stage_t *target
    cdef link_t *link
    cdef packet_t *p
    for i in range(batch.count):
        p = &batch.packets[i]
        if p.flags & FRESH:
            _count_fresh(stage.counters, p)
        if p.egress >= stage.ports or stage.out[p.egress].target == NOWHERE:
            _end(plan, stage, p)
            continue
        link = &stage.out[p.egress]
        target = &plan.stages[link.target]
        tally_add(stage.leaving, p)
        if not _enter(target, p, link.port):
            continue
        if first == NULL:
            first = target
        if target != first:
            _append(target, p)
            continue
        if kept != i:
            batch.packets[kept] = p[0]
        kept += 1
    batch.count = kept
    return batch if kept == 0 else _hand_on(first, batch)


cdef batch_t *_hand_on(stage_t *target, batch_t *batch) noexcept nogil:
    """Make the batch the target's inbox; where packets wait there already, join them."""
    cdef uint32_t i
    cdef batch_t *empty = target.inbox
    if empty.count == 0:
        target.inbox = batch
        return empty
    for i in range(batch.count):
        _append(target, &batch.packets[i])
    batch.count = 0
    return batch


cdef inline bint _enter(stage_t *target, packet_t *p, uint16_t port) noexcept nogil:
    """What a link does to a packet. False: it has gone round too often and is dropped."""
    tally_add(target.entering, p)
    p.ingress = port
    p.egress = DROP
    p.reason = UNCLAIMED
    p.hops += 1
    if p.hops > HOPS and target.tail == NULL:
        tally_add(&target.counters.drops[LOOP], p)
        return False
    return True


cdef inline void _append(stage_t *target, const packet_t *p) noexcept nogil:
    cdef packet_t *copy = batch_append(target.inbox)
    if copy == NULL:
        tally_add(&target.counters.drops[NO_ROOM], p)
    else:
        copy[0] = p[0]


cdef void _count_fresh(counters_t *counters, packet_t *p) noexcept nogil:
    """A packet that the handler made, cloned, or had held until now."""
    if p.flags & CLONED:
        tally_add(&counters.cloned, p)
    elif p.flags & RELEASED:
        tally_subtract(&counters.held, p)
    else:
        tally_add(&counters.emitted, p)
    p.flags &= ~FRESH


cdef void _end(plan_t *plan, stage_t *stage, packet_t *p) noexcept nogil:
    """A packet that no link takes on: a verdict, or a port that leads nowhere."""
    if p.egress == CONSUMED:
        tally_add(&stage.counters.consumed, p)
    elif p.egress == HELD:
        tally_add(&stage.counters.held, p)
    elif p.egress == PUNT and stage.punts != NULL:
        _punt(plan, stage, p)
    elif p.egress == DROP:
        tally_add(&stage.counters.drops[p.reason & 0xff], p)
    else:
        tally_add(&stage.counters.drops[UNLINKED], p)


cdef void _punt(plan_t *plan, stage_t *stage, packet_t *p) noexcept nogil:
    """To the same handler's ``punted``, which may punt in its turn but not for ever."""
    cdef packet_t *copy = NULL
    p.hops += 1
    if p.hops <= HOPS:
        copy = batch_append(stage.punts)
    if copy == NULL:
        tally_add(&stage.counters.drops[LOOP if p.hops > HOPS else NO_ROOM], p)
        return
    copy[0] = p[0]
    copy.egress = DROP
    copy.reason = UNCLAIMED
    plan.punted = True
