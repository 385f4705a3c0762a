"""What a packet's virtio header claims: which features it needs, and whether it can be true. C face."""

from libc.stdint cimport uint16_t, uint32_t

from tunnel.packet cimport (
    F_CSUM, F_TSO4, F_TSO6, F_USO4, F_USO6, GSO_ECN, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4, NEEDS_CSUM, packet_t,
)


cdef inline uint32_t claim_needs(const packet_t *p) noexcept nogil:
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


cdef uint16_t claim_check(const packet_t *p) noexcept nogil
