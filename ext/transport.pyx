"""Fills the table of IP protocols when imported; nothing changes it afterwards."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memset

cimport tunnel.wire as wire

cdef transport_t[256] TABLE


cdef const transport_t *transport_table() noexcept nogil:
    return TABLE


cdef void _unknown() noexcept:
    """Every protocol starts as one without header: its payload begins at L4."""
    cdef int proto
    memset(TABLE, 0, sizeof(TABLE))
    for proto in range(256):
        TABLE[proto].ports = TABLE[proto].length = -4
        TABLE[proto].words = -1


cdef void _extensions() noexcept:
    cdef uint8_t proto
    for proto in (
        wire.PROTO_HOPOPTS, wire.PROTO_ROUTING, wire.PROTO_DSTOPTS, wire.PROTO_MOBILITY, wire.PROTO_HIP,
        wire.PROTO_SHIM6,
    ):
        TABLE[proto].extension = PLAIN
    TABLE[<int> wire.PROTO_AH].extension = AUTHENTICATION
    TABLE[<int> wire.PROTO_FRAGMENT].extension = FRAGMENTATION
    TABLE[<int> wire.PROTO_NONE].absent = 0xffff


cdef void _header(uint8_t proto, uint8_t size, bint ports) noexcept:
    TABLE[proto].size = TABLE[proto].fixed = size
    if ports:
        TABLE[proto].ports = 0
        TABLE[proto].ports_mask = ~<uint32_t> 0


cdef void _headers() noexcept:
    _header(wire.PROTO_TCP, wire.TCP_SIZE, True)
    _header(wire.PROTO_UDP, wire.UDP_SIZE, True)
    _header(wire.PROTO_UDPLITE, wire.UDP_SIZE, True)
    _header(wire.PROTO_SCTP, wire.SCTP_SIZE, True)
    _header(wire.PROTO_ICMP, wire.ICMP_SIZE, False)
    _header(wire.PROTO_ICMP6, wire.ICMP_SIZE, False)
    _header(wire.PROTO_IGMP, wire.IGMP_SIZE, False)
    _header(wire.PROTO_GRE, wire.GRE_SIZE, False)
    _header(wire.PROTO_ESP, wire.ESP_SIZE, False)
    TABLE[<int> wire.PROTO_TCP].fixed = 0
    TABLE[<int> wire.PROTO_TCP].words = wire.TCP_OFFSET
    TABLE[<int> wire.PROTO_TCP].words_mask = 0xf0
    TABLE[<int> wire.PROTO_UDP].length = wire.UDP_LENGTH
    TABLE[<int> wire.PROTO_UDP].length_mask = 1


_unknown()
_extensions()
_headers()
