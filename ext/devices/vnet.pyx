"""The offloads that a virtio header carries: which are on, and what happens when the kernel refuses one."""

from libc.errno cimport EINVAL
from libc.stdint cimport uint16_t, uint32_t

from tunnel.device cimport offload_dict, offload_refuse
from tunnel.offload.claim cimport claim_check
from tunnel.packet cimport F_CSUM, F_TSO4, F_TSO6, F_USO4, F_USO6, Packet, packet_drop

from tunnel import offloads, reasons

cdef enum:
    BY_FRAGS = 0xffff         # a gso_size that means something else (GSO_BY_FRAGS, linux/skbuff.h)

cdef uint16_t BAD_GSO = reasons.BAD_GSO
cdef uint16_t REFUSED = reasons.REFUSED


cdef class Vnet:
    """``vnet``, ``tso`` and ``uso`` of one device; its counters live as long as it does."""

    def choose(self, bint header) -> int:
        """Switch on what ``tunnel.offloads`` allows, given that there is a header; ``features()``.

        What the kernel has refused before stays off. Raises ``ConfigError`` for a wrong switch.
        """
        self.vnet.on = offloads.allowed("vnet") and header
        self.tso.on = self.vnet.on and offloads.allowed("tso") and not self.tso.refused
        self.uso.on = self.vnet.on and offloads.allowed("uso") and not self.uso.refused
        return self.features()

    def unable(self, str name) -> None:
        """A probe was refused: this kernel does not have it."""
        cdef offload_t *row = &self.uso if name == "uso" else &self.tso if name == "tso" else &self.vnet
        row.on = False
        row.refused += 1

    def features(self) -> int:
        """What is on as feature_t: what may be sent."""
        return (
            (F_CSUM if self.vnet.on else 0)
            | (F_TSO4 | F_TSO6 if self.tso.on else 0)
            | (F_USO4 | F_USO6 if self.uso.on else 0)
        )

    def rows(self) -> dict:
        """What ``Device.offloads`` tells."""
        return {
            "vnet": offload_dict(&self.vnet),
            "tso": offload_dict(&self.tso),
            "uso": offload_dict(&self.uso),
        }

    def refused(self, Device device not None, Packet packet not None) -> bool:
        """The kernel answered EINVAL to this super-packet.

        True: the packet is dropped, BAD_GSO where its own fields are wrong, REFUSED where its
        offload is off already. False: the offload was on; it is off from now on, ``device.accepts``
        says so, and the packet, still without a reason, is to be cut and sent again.
        """
        return vnet_refused(self, device, packet.p)


cdef bint vnet_refused(Vnet self, Device device, packet_t *p) except -1 nogil:
    cdef bint uso = vnet_is_uso(p)
    cdef bint on = self.uso.on if uso else self.tso.on
    if p.gso_size == BY_FRAGS or claim_check(p):
        packet_drop(p, BAD_GSO)
        return True
    device.accepts &= ~<uint32_t> (F_USO4 | F_USO6 if uso else F_TSO4 | F_TSO6)
    _switch_off(self, device, uso)
    if on:
        return False
    packet_drop(p, REFUSED)
    return True


cdef int _switch_off(Vnet self, Device device, bint uso) except -1 with gil:
    return offload_refuse(device, "uso" if uso else "tso", &self.uso if uso else &self.tso, EINVAL)
