"""What a packet's headers are: offsets, protocol, flow. C face.

``parse_packet`` goes by ``medium`` and fills ``l3`` to ``flow`` of the descriptor; it keeps the other
flags. It returns 0, or the number of a reason: then l3 and l4 are ABSENT, so nothing reads on.
``parse_batch`` does so for a whole batch and presets egress DROP and the reason, which for a good
packet is UNCLAIMED. Neither reads a byte outside a packet, whatever its lengths say.
"""

from libc.stdint cimport uint16_t

from tunnel.batch cimport batch_t
from tunnel.packet cimport packet_t

cdef enum:
    EXTENSIONS_MAX = 16       # IPv6 extension headers; RFC 8200 names seven, one of them twice

cdef uint16_t parse_packet(packet_t *p) noexcept nogil
cdef void parse_batch(batch_t *batch) noexcept nogil
