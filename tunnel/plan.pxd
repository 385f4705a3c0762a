from tunnel.arena cimport Arena
from tunnel.stage cimport plan_t


cdef class Plan:
    cdef plan_t c
    cdef list objects         # handlers, then devices: the stages borrow them
    cdef list batches         # every batch of the plan: inboxes, punts, spares
    cdef Arena arena
    cdef bint busy            # a step is under way
    cdef readonly bint strict
    cdef readonly unsigned int quarantine_after
