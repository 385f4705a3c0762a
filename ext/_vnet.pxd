"""The virtio header before a packet, to and from the packet's metadata; private, header-only."""

from _linux cimport virtio_net_hdr
from tunnel.packet cimport NEEDS_CSUM, packet_t

cdef enum:
    VNET_HDR = 10             # bytes: without num_buffers


cdef inline void vnet_take(packet_t *p, const virtio_net_hdr *header) noexcept nogil:
    """hdr_len is not trusted: forwarded packets lie in it."""
    p.vnet_flags = header.flags & NEEDS_CSUM
    p.gso_type = header.gso_type
    p.gso_size = header.gso_size
    p.csum_start = header.csum_start
    p.csum_offset = header.csum_offset


cdef inline void vnet_give(const packet_t *p, virtio_net_hdr *header) noexcept nogil:
    header.flags = p.vnet_flags
    header.gso_type = p.gso_type
    header.gso_size = p.gso_size
    header.csum_start = p.csum_start if p.vnet_flags else 0
    header.csum_offset = p.csum_offset if p.vnet_flags else 0
    header.hdr_len = p.payload if p.gso_type else 0
