"""What is done when a stage raises: its batch is dropped and counted, and who raised is told once.

    1 settle    the batch in hand: emitted and cloned packets are dropped with the rest
    2 drop      all of it, but for what the handler has put into its store
    3 raise     what a device raised, what is no ``Exception``, and with ``strict`` everything
    4 log       the first traceback
    5 count     after so many exceptions in a row the stage is passed over
"""

import logging

from libc.stdint cimport uint16_t, uint32_t

from tunnel.batch cimport batch_settle, batch_t
from tunnel.device cimport Device
from tunnel.packet cimport HELD, packet_drop
from tunnel.scatter cimport plan_scatter
from tunnel.stage cimport plan_t, stage_forget, stage_t

from tunnel import reasons
from tunnel.errors import DeviceClosed

log = logging.getLogger("tunnel")


cdef int plan_blame(plan_t *plan, error, bint strict, uint32_t quarantine_after) except -1:
    """The stage at work raised: drop what it had in hand, count it, and say so once."""
    cdef stage_t *stage = &plan.stages[plan.at]
    who = <object> stage.who
    closed = isinstance(who, Device) and isinstance(error, DeviceClosed)
    _bury(plan, stage, reasons.CLOSED if closed else reasons.RAISED)
    plan.waiting = True
    if closed:
        error.device = who
        stage_forget(stage, reasons.CLOSED)
    if strict or isinstance(who, Device) or not isinstance(error, Exception):
        plan.punted = True
        raise error
    _tell(stage, who, error, quarantine_after)
    return 0


cdef int _bury(plan_t *plan, stage_t *stage, uint16_t reason) except -1:
    """Drop the batch in hand, but for what the handler has put into its store."""
    cdef batch_t *batch = plan.hand
    cdef uint32_t i
    if batch == NULL:
        plan.spare.count = 0
        return 0
    batch_settle(batch)
    for i in range(batch.count):
        if batch.packets[i].egress != HELD:
            packet_drop(&batch.packets[i], reason)
    plan.hand = NULL
    plan.spare = plan_scatter(plan, stage, batch)
    return 0


cdef int _tell(stage_t *stage, who, error, uint32_t quarantine_after) except -1:
    """Log the first exception of a handler, and the one with which its quarantine begins."""
    stage.failures += 1
    if not stage.told:
        stage.told = True
        log.error("handler %s raised; its packets are dropped", who.name or type(who).__name__, exc_info=error)
    if stage.failures >= quarantine_after and not stage.quarantined:
        stage.quarantined = True
        log.error("handler %s raised %d times in a row and is passed over from now on", who.name, stage.failures)
    return 0
