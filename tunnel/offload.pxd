"""What the kernel leaves to whoever takes a packet over: cutting super-packets, finishing checksums. C face.

``offload_fit`` is the stage in front of a device or handler that accepts less than a packet carries.
It appends to ``out``, in order, what ``batch`` holds: descriptors that may pass as they are, packets
whose checksum it has completed, and in place of a super-packet its segments, which keep ingress,
egress, endpoint, mark, hops and flags of the original. Both batches share one arena. A super-packet
that is malformed becomes DROP with BAD_GSO or BAD_CHECKSUM, one for which there is no room DROP with
NO_ROOM. It returns how many packets of ``batch``, from the front, are in ``out``: fewer than all only
where no memory was left for descriptors.
"""

from libc.stdint cimport uint16_t, uint32_t

from tunnel.arena cimport arena_t
from tunnel.batch cimport batch_t
from tunnel.packet cimport (
    F_CSUM, F_TSO4, F_TSO6, F_USO4, F_USO6, GSO_ECN, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM, packet_t,
)


cdef inline uint32_t offload_needs(const packet_t *p) noexcept nogil:
    """The feature_t bits that a packet carries; 0 = a plain packet."""
    cdef uint32_t kind = p.gso_type & ~GSO_ECN
    cdef uint32_t needs = F_CSUM if p.vnet_flags & NEEDS_CSUM else 0
    if kind == GSO_TCPV4:
        needs |= F_TSO4
    elif kind == GSO_TCPV6:
        needs |= F_TSO6
    elif kind == GSO_UDP_L4:
        needs |= F_USO6 if p.ip_version == 6 else F_USO4
    return needs


cdef uint16_t offload_check(const packet_t *p) noexcept nogil
cdef bint offload_verify(const packet_t *p) noexcept nogil
cdef bint offload_complete(arena_t *arena, packet_t *p) noexcept nogil
cdef uint32_t offload_fit(const batch_t *batch, batch_t *out, uint32_t accepts) noexcept nogil
