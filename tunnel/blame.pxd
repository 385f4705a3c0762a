"""What is done when a stage raises: called by ``tunnel.plan``; not for plugins."""

from libc.stdint cimport uint32_t

from tunnel.stage cimport plan_t


cdef int plan_blame(plan_t *plan, error, bint strict, uint32_t quarantine_after) except -1
