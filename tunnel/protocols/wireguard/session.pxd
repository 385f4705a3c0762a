"""The two keys of a session, for tests and tools; the data path has its own. C face."""

from libc.stdint cimport uint8_t

ctypedef struct session_t:
    uint8_t send[32]
    uint8_t receive[32]


cdef class Session:
    cdef session_t *c
