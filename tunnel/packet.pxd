"""A packet is a 64-byte descriptor; its bytes stay where they were received. C face.

Everything here is public to plugins; ``tunnel/arena.pxd`` says how its layout is numbered.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from tunnel.arena cimport HEADROOM, arena_t, arena_take
from tunnel.endpoint cimport endpoint_t

cdef enum:
    ABSENT = 0xffff           # l3, l4: the packet has no such header

cdef enum medium_t:           # what lies at data
    ETHERNET = 1
    IP = 2
    DATAGRAM = 3              # the payload of a UDP datagram; packet_t.endpoint tells whose

cdef enum verdict_t:          # values of egress above every port number
    PORT_MAX = 0xff00
    CONSUMED = 0xfffc         # the handler was the packet's destination
    HELD = 0xfffd             # the handler keeps a copy (hold_put) and will release it
    PUNT = 0xfffe             # to the same handler's punted(), after the native stages
    DROP = 0xffff             # dropped for the reason in packet_t.reason

cdef enum flag_t:
    SHARED = 1                # another descriptor shows the same bytes: packet_own before writing
    FRAGMENT = 2              # an IP fragment; l4 is absent behind the first
    MORE = 4                  # the first fragment: l4 is there, the datagram's rest is not
    FOLLOWS = 8               # at a device: one of a run that the kernel counts as one, not its first
    EMITTED = 16              # made by a handler, not yet counted
    CLONED = 32               # copied by batch_clone, not yet counted
    RELEASED = 64             # was held, not yet counted
    FRESH = 112               # EMITTED | CLONED | RELEASED

cdef enum vnet_t:             # virtio_net_hdr, linux/virtio_net.h
    NEEDS_CSUM = 1            # the checksum field holds the pseudo-header's sum
    GSO_NONE = 0
    GSO_TCPV4 = 1
    GSO_TCPV6 = 4
    GSO_UDP_L4 = 5
    GSO_ECN = 0x80

cdef enum feature_t:          # what may cross a link beyond plain packets; bits of TUNSETOFFLOAD
    F_CSUM = 1
    F_TSO4 = 2
    F_TSO6 = 4
    F_USO4 = 0x20
    F_USO6 = 0x40
    F_ALL = 0x67

ctypedef struct packet_t:     # 64 bytes, asserted at import
    uint8_t  *data            # first byte: Ethernet header, IP header or datagram payload
    uint32_t len              # bytes at data; up to 64 KiB for a super-packet
    uint32_t tailroom         # bytes free behind
    uint16_t headroom         # bytes free before
    uint16_t l3               # offsets from data; ABSENT
    uint16_t l4
    uint16_t payload          # what follows L4 (or L3); len where nothing does
    uint16_t ethertype        # of the L3 header, host order; 0 = none (an 802.3 length)
    uint16_t vlan_tci         # outer tag
    uint16_t vlan_tpid        # 0x8100, 0x88a8; 0 = untagged
    uint16_t vlan_inner       # TCI of the second tag; 0 = none
    uint8_t  ip_version       # 4, 6; 0 = neither
    uint8_t  proto            # the IP protocol behind every extension header
    uint8_t  flags            # flag_t
    uint8_t  gso_type         # GSO_*: not 0 = a super-packet
    uint32_t flow             # the same for both directions of a flow
    uint8_t  vnet_flags       # NEEDS_CSUM
    uint8_t  hops             # handlers seen; loops end by it
    uint16_t gso_size         # payload bytes a segment
    uint16_t csum_start       # from data
    uint16_t csum_offset      # from csum_start
    uint16_t ingress          # port by which it entered the handler
    uint16_t egress           # port by which it leaves, or a verdict_t
    uint16_t reason           # why it is dropped: tunnel.reasons
    uint8_t  medium           # medium_t
    uint8_t  spare
    uint32_t endpoint         # where its endpoint_t lies in the arena; 0 = none; DATAGRAM only
    uint32_t mark             # the user's own


cdef inline uint32_t packet_segments(const packet_t *p) noexcept nogil:
    """How many packets it is on the wire: 1, or the segments of a super-packet."""
    if p.gso_type == 0 or p.gso_size == 0 or p.len <= p.payload:
        return 1
    return (p.len - p.payload + p.gso_size - 1) // p.gso_size


cdef inline void packet_drop(packet_t *p, uint16_t reason) noexcept nogil:
    p.egress = DROP
    p.reason = reason


cdef inline void packet_lay(
    packet_t *p, uint8_t *room, uint32_t headroom, uint32_t size, uint32_t tailroom
) noexcept nogil:
    """A plain packet of ``size`` bytes at ``room + headroom``, nothing known of it yet."""
    p.data = room + headroom
    p.len = size
    p.tailroom = tailroom
    p.headroom = headroom
    p.l3 = p.l4 = ABSENT
    p.payload = 0
    p.ethertype = p.vlan_tci = p.vlan_tpid = p.vlan_inner = 0
    p.ip_version = p.proto = p.flags = p.gso_type = p.vnet_flags = p.hops = 0
    p.flow = 0
    p.gso_size = p.csum_start = p.csum_offset = 0
    p.endpoint = p.mark = 0


cdef inline void packet_push(packet_t *p, uint32_t size) noexcept nogil:
    """Lengthen at the front. The caller has checked headroom and calls parse_packet after."""
    p.data -= size
    p.len += size
    p.headroom -= size
    p.csum_start += size


cdef inline void packet_pull(packet_t *p, uint32_t size) noexcept nogil:
    """Shorten at the front. The caller has checked len and calls parse_packet after."""
    p.data += size
    p.len -= size
    p.headroom += size
    p.csum_start -= size


cdef inline bint packet_own(arena_t *arena, packet_t *p) noexcept nogil:
    """Make the bytes the packet's own before writing; False where the arena is full."""
    cdef uint8_t *room
    if not p.flags & SHARED:
        return True
    room = arena_take(arena, HEADROOM + p.len + p.tailroom)
    if room == NULL:
        return False
    memcpy(room + HEADROOM, p.data, p.len)
    p.data = room + HEADROOM
    p.headroom = HEADROOM
    p.flags &= ~SHARED
    return True


cdef class Packet:
    cdef packet_t *p          # in the batch, or &self.kept once detached
    cdef packet_t kept
    cdef arena_t *arena       # NULL once detached
    cdef endpoint_t endpoint  # its own copy once detached
    cdef bytearray bytes      # its own bytes once detached


cdef Packet packet_face(packet_t *p, arena_t *arena)
cdef int packet_detach(Packet packet) except -1
