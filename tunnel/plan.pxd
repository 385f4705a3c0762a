from libc.stdint cimport uint32_t, uint64_t

from tunnel.arena cimport Arena
from tunnel.device cimport Device
from tunnel.stage cimport plan_t


cdef class Plan:
    cdef plan_t c
    cdef list objects         # handlers, then devices: the stages borrow them
    cdef list batches         # every batch of the plan: inboxes, punts, spares
    cdef Arena arena
    cdef bint busy            # a step is under way
    cdef readonly bint strict
    cdef readonly unsigned int quarantine_after


cdef uint32_t plan_place(Plan self, Device device) except? 0xffffffff
cdef bint plan_step(Plan self, uint32_t place, uint64_t now_ns, bint stay) except -1
cdef bint plan_asks(Plan self) noexcept
