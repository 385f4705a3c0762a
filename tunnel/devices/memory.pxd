from tunnel.device cimport Device
from tunnel.hold cimport hold_t


cdef class Memory(Device):
    cdef hold_t *queue        # what the other end has sent
    cdef Memory peer
