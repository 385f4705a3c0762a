"""The offloads that a virtio header carries: ``vnet``, ``tso`` and ``uso`` of one device. C face.

``used`` of ``vnet`` counts the packets whose header says something: an unfinished checksum, or a
super-packet; ``tso`` and ``uso`` count the super-packets among them. Received and sent alike.
"""

from tunnel.device cimport Device, offload_t
from tunnel.packet cimport GSO_ECN, GSO_UDP_L4, packet_t


cdef class Vnet:
    cdef offload_t vnet
    cdef offload_t tso
    cdef offload_t uso


cdef inline bint vnet_is_uso(const packet_t *p) noexcept nogil:
    """Of a super-packet: it is UDP's."""
    return p.gso_type & ~GSO_ECN == GSO_UDP_L4


cdef inline void vnet_count(Vnet self, const packet_t *p) noexcept nogil:
    """A packet has passed; a plain one costs one branch."""
    if not (p.vnet_flags | p.gso_type):
        return
    self.vnet.used += 1
    if p.gso_type == 0:
        return
    if vnet_is_uso(p):
        self.uso.used += 1
    else:
        self.tso.used += 1


cdef bint vnet_refused(Vnet self, Device device, packet_t *p) except -1 nogil
