from tunnel.device cimport Device
from tunnel.devices.vnet cimport Vnet


cdef class TunTap(Device):
    cdef bint vnet            # a virtio header lies before each packet
    cdef readonly object options
    cdef readonly object netns
    cdef bint inherited
    cdef str adopted          # an inherited interface's name, once open
    cdef Vnet use
    cdef object leads         # bytes of one send that its packets leave by, bytes added to each; or None
    cdef object queue_drops   # QueueDrops


cdef class Tun(TunTap):
    pass


cdef class Tap(TunTap):
    pass
