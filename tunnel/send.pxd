"""Step 4 of a breath: entry points for ``tunnel.breath`` and ``tunnel.plan``; not for plugins."""

from libc.stdint cimport uint32_t

from tunnel.stage cimport plan_t


cdef int plan_send(plan_t *plan, uint32_t i) except -1 nogil
cdef int plan_flush(plan_t *plan, uint32_t i) except -1 nogil
