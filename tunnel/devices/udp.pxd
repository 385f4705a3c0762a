"""The UDP underlay: C face."""

from tunnel.device cimport Device

cdef struct udp_t


cdef class Udp(Device):
    cdef public object options        # UdpOptions
    cdef readonly object socket       # None while closed
    cdef udp_t *c                     # message headers and control buffers of one system call
    cdef object kernel                # UdpCounters
