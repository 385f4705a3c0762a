"""C face of ``Echo``."""

from libc.stdint cimport uint8_t, uint16_t

from tunnel.handler cimport Handler
from tunnel.tables.buckets cimport Buckets, buckets_t
from tunnel.tables.prefixes cimport Prefixes


cdef class Echo(Handler):
    cdef Prefixes own
    cdef Prefixes subnets
    cdef Buckets buckets
    cdef buckets_t *rate      # of self.buckets; NULL = no limit
    cdef uint8_t[6] mac
    cdef bint rate_given
    cdef bint reflect_udp
    cdef uint16_t local_port
