"""C face of ``UdpTunnel``."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from tunnel.endpoint cimport endpoint_t
from tunnel.handler cimport Handler
from tunnel.tables.buckets cimport Buckets


cdef class UdpTunnel(Handler):
    cdef endpoint_t peer      # size 0: none known yet
    cdef bint learn
    cdef uint8_t medium       # of the overlay
    cdef uint32_t mtu         # 0 = no limit
    cdef bint mss_clamp
    cdef uint64_t keepalive_ns
    cdef uint64_t heard_ns    # when the peer was last heard
    cdef uint64_t sent_ns     # when something was last sent to it
    cdef Buckets told         # bounds the ICMP errors
