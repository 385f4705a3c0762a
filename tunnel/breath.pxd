"""The one data path: entry points for ``tunnel.plan``; not for plugins."""

from libc.stdint cimport uint32_t

from tunnel.stage cimport plan_t


cdef int plan_breathe(plan_t *plan, uint32_t i) except -1 nogil
cdef int plan_exhale(plan_t *plan) except -1 nogil
