"""AF_PACKET on an Ethernet interface: C face."""

from tunnel.device cimport Device
from tunnel.devices.vnet cimport Vnet


cdef class PacketSocket(Device):
    cdef readonly object options      # PacketOptions
    cdef object attachment            # None while closed
    cdef Vnet use
    cdef bint down                    # the interface, as the socket last heard
    cdef unsigned long long lost      # frames the kernel had no room for, as far as it was asked
    cdef object surroundings          # Surroundings: of its namespace
