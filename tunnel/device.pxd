"""A device moves packets between a file descriptor (or memory) and a batch. C face."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from tunnel.batch cimport batch_t
from tunnel.handler cimport counters_t

ctypedef struct offload_t:    # one offload of a device: see tunnel.offloads
    bint on
    uint64_t used             # super-packets or runs that it carried
    uint64_t refused          # by the kernel; the first time switches it off


cdef class Device:
    cdef public str name
    cdef public int fd              # -1: not open
    cdef public unsigned char medium    # medium_t of what recv brings and send takes
    cdef public unsigned int brings     # feature_t: what recv may bring
    cdef public unsigned int accepts    # feature_t: what send may be given
    cdef counters_t *counters
    cdef dict __dict__
    cdef object __weakref__
    cdef int c_recv(self, batch_t *batch) except -1 nogil
    cdef int c_send(self, batch_t *batch) except -1 nogil


cdef dict offload_dict(const offload_t *offload)
cdef int offload_refuse(Device device, str name, offload_t *offload, int error) except -1 with gil
