from tunnel.device cimport Device


cdef class TunTap(Device):
    cdef bint vnet            # a virtio header lies before each packet
    cdef readonly object options
    cdef readonly object netns
    cdef bint inherited


cdef class Tun(TunTap):
    pass


cdef class Tap(TunTap):
    pass
