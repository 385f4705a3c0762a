"""A wire with a third end that shows what passes."""

from libc.stdint cimport uint16_t, uint32_t

from tunnel.batch cimport batch_clone, batch_t
from tunnel.handler cimport tally_add
from tunnel.packet cimport F_ALL, packet_t

from tunnel import reasons

cdef uint16_t NO_ROOM = reasons.NO_ROOM

cdef enum:
    A = 0
    B = 1
    COPY = 2


cdef class Tee(Handler):
    """A wire with a third end that shows what passes.

    Synopsis
        ``Tee()``; a capture: ``"tap0 -- t.a"``, ``"t.b -- wan"``, ``"t.copy -> capture"`` (``capture``
        a ``pcap`` device)

    Ports
        ``a``, ``b``    what enters by one leaves by the other
        ``copy``        a clone of each, in the same order; nothing may enter here

    Options
        none

    Drop reasons
        NO_ROOM      a clone for which the batch had no room
        UNCLAIMED    entered by ``copy``

    Notes
        A clone is a second descriptor: no bytes are copied, unless somebody behind writes to them.
        Super-packets are cloned whole; a device at ``copy`` that cannot carry them gets segments.

    See also
        ``devices.pcap``
    """

    ports = ("a", "b", "copy")
    accepts = F_ALL
    parallel = True

    def __init__(self):
        pass

    cdef int c_process(self, batch_t *batch) except -1 nogil:
        cdef uint32_t count = batch.count, i
        cdef packet_t *copy
        for i in range(count):
            if batch.packets[i].ingress == COPY:
                continue
            batch.packets[i].egress = B if batch.packets[i].ingress == A else A
            copy = batch_clone(batch, i)
            if copy != NULL:
                copy.egress = COPY
                continue
            tally_add(&self.counters.cloned, &batch.packets[i])
            tally_add(&self.counters.drops[NO_ROOM], &batch.packets[i])
        return 0
