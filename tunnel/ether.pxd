"""Frames whose first type is neither IPv4 nor IPv6. C face.

``ether_unwrap`` takes off 802.1Q and 802.1ad tags and the LLC and SNAP headers of 802.3: ``at`` moves
from behind the first type to the L3 header and ``end`` to where an 802.3 length puts it. It fills the
tags, ``ethertype``, ``l3`` and ``payload``, and returns 0 or a reason. Where 802.3 carries no ethertype
l3 stays ABSENT, ethertype is 0 and the payload is the LLC header.
"""

from libc.stdint cimport uint16_t, uint32_t

from tunnel.packet cimport packet_t

cdef enum:
    TAGS_MAX = 8              # as the kernel's VLAN_MAX_DEPTH

cdef uint16_t ether_unwrap(packet_t *p, uint32_t *at, uint32_t *end) noexcept nogil
