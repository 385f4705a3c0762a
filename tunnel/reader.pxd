from libc.stdint cimport uint32_t

from tunnel.plan cimport Plan


cdef class Reader:
    cdef Plan plan
    cdef uint32_t place
    cdef object attend
