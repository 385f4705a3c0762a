"""Staying in C while packets keep coming: called by ``tunnel.plan``; not for plugins."""

from tunnel.stage cimport plan_t


cdef int plan_dwell(plan_t *plan) except -1 nogil
