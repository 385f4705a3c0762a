"""The packet parser, one nogil pass over a batch.

    parse_batch -> parse_packet
        ethernet        type; tags, ARP, LLC/SNAP by ether_unwrap
        ip4 | ip6       lengths, addresses; fragments and extension headers aside
        transport       by the table of tunnel.transport: no branch knows what a table can know
        claim_check     what the virtio header says, only where it says something

In mixed traffic the cost is mispredicted branches, not instructions: the common way of a frame has
one branch that its contents decide (the IP version); every other branch on it is an error or rare.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from tunnel.batch cimport batch_t
from tunnel.ether cimport ether_unwrap
from tunnel.flow cimport flow_hash, flow_key6, flow_mac, flow_port
from tunnel.offload.claim cimport claim_check
from tunnel.packet cimport ABSENT, DROP, ETHERNET, FRAGMENT, IP, MORE, NEEDS_CSUM, packet_t
from tunnel.transport cimport AUTHENTICATION, FRAGMENTATION, transport_t, transport_table

cimport tunnel.wire as wire

from tunnel import reasons

cdef extern from *:
    void __builtin_prefetch(const void *at) nogil

cdef enum:
    AHEAD = 4                 # packets whose headers are fetched while others are parsed

cdef uint16_t TRUNCATED = reasons.TRUNCATED
cdef uint16_t BAD_VERSION = reasons.BAD_VERSION
cdef uint16_t BAD_HEADER = reasons.BAD_HEADER
cdef uint16_t BAD_LENGTH = reasons.BAD_LENGTH
cdef uint16_t TOO_DEEP = reasons.TOO_DEEP

cdef const transport_t *TRANSPORT = transport_table()

# Called through pointers to stay out of line: inlined, they take registers from the common way (15 %).
ctypedef uint16_t (*frame_f)(packet_t *) noexcept nogil
ctypedef uint16_t (*chain_f)(packet_t *, uint32_t, uint32_t, uint8_t, uint64_t, uint64_t) noexcept nogil
cdef frame_f UNCOMMON = _uncommon
cdef chain_f EXTENSIONS = _extensions
cdef chain_f FRAGMENT4 = _fragment4


cdef inline uint16_t _place(const packet_t *p, uint32_t at, uint32_t end) noexcept nogil:
    """The payload's offset: the packet's length where the headers say that nothing follows."""
    if at == end:
        at = p.len
    return <uint16_t> (at if at < 0xffff else 0xffff)


cdef inline void _clear(packet_t *p) noexcept nogil:
    p.l3 = p.l4 = ABSENT
    p.payload = _place(p, 0, 0)
    p.ethertype = p.vlan_tci = p.vlan_tpid = p.vlan_inner = 0
    p.ip_version = p.proto = 0
    p.flags &= ~(FRAGMENT | MORE)
    p.flow = 0


cdef uint32_t _gre_size(const uint8_t *gre) noexcept nogil:
    """RFC 2784, 2890, 2637: four bytes each for checksum (or routing), key, sequence, acknowledgement."""
    cdef uint32_t fields = ((gre[0] & 0xc0) != 0) + (gre[0] >> 5 & 1) + (gre[0] >> 4 & 1) + (gre[1] >> 7)
    return 4 + 4 * fields


cdef inline uint16_t _transport(
    packet_t *p, uint32_t at, uint32_t end, uint8_t proto, uint64_t here, uint64_t there, bint whole
) noexcept nogil:
    """L4 at ``at``, the IP packet's end at ``end``; ``here`` and ``there`` are the addresses."""
    cdef const transport_t *known = &TRANSPORT[proto]
    cdef const uint8_t *l4 = p.data + at
    cdef uint32_t left = end - at
    cdef uint32_t size, length, ports
    p.proto = proto
    if left < known.size:
        return TRUNCATED
    size = known.fixed + ((l4[known.words] & known.words_mask) >> 2)
    if proto == wire.PROTO_GRE:
        size = _gre_size(l4)
    if size < known.size or size > left:
        return BAD_HEADER
    length = wire.be16(l4 + known.length)
    if known.length_mask & whole & ((length < size) | (length > left)):
        return BAD_LENGTH
    ports = wire.load32(l4 + known.ports) & known.ports_mask
    p.l4 = <uint16_t> at | known.absent
    p.payload = _place(p, at + size, end)
    if not whole:
        p.flow = flow_hash(here, there, 0)
        return 0
    p.flow = flow_hash(here + flow_port(ports & 0xffff), there + flow_port(ports >> 16), proto)
    return 0


cdef uint16_t _fragment(
    packet_t *p, uint32_t at, uint32_t end, uint8_t proto, uint64_t here, uint64_t there, uint32_t offset
) noexcept nogil:
    """One of several; those behind the first have no L4 header. All share the flow of the addresses."""
    if offset + (end - at) > 0xffff:
        return BAD_LENGTH
    p.flags |= FRAGMENT
    if offset == 0:
        p.flags |= MORE
        return _transport(p, at, end, proto, here, there, False)
    p.proto = proto
    p.payload = _place(p, at, end)
    p.flow = flow_hash(here, there, 0)
    return 0


cdef uint16_t _fragment4(
    packet_t *p, uint32_t at, uint32_t end, uint8_t proto, uint64_t here, uint64_t there
) noexcept nogil:
    cdef uint32_t offset = wire.be16(p.data + p.l3 + wire.IP4_FRAGMENT) & wire.IP4_OFFSET_MASK
    return _fragment(p, at, end, proto, here, there, offset * 8)


cdef inline uint16_t _ip4(packet_t *p, uint32_t l3, uint32_t end) noexcept nogil:
    cdef const uint8_t *ip = p.data + l3
    cdef uint32_t room = end - l3
    cdef uint32_t size, total, fragment
    cdef uint64_t here, there
    if room < wire.IP4_SIZE:
        return TRUNCATED
    if <uint8_t> (ip[0] - 0x45) > 10:
        return BAD_HEADER if ip[0] >> 4 == 4 else BAD_VERSION
    size = (ip[0] & 15) * 4
    total = wire.be16(ip + wire.IP4_LENGTH)
    if p.gso_type and total == 0 and room > 0xffff:
        total = room
    if total > room or total < size:
        return BAD_LENGTH
    p.l3 = <uint16_t> l3
    p.ip_version = 4
    here = wire.load32(ip + wire.IP4_SOURCE)
    there = wire.load32(ip + wire.IP4_DESTINATION)
    fragment = wire.be16(ip + wire.IP4_FRAGMENT)
    if fragment & (wire.IP4_MORE_FRAGMENTS | wire.IP4_OFFSET_MASK):
        return FRAGMENT4(p, l3 + size, l3 + total, ip[wire.IP4_PROTO], here, there)
    return _transport(p, l3 + size, l3 + total, ip[wire.IP4_PROTO], here, there, True)


cdef uint16_t _extensions(
    packet_t *p, uint32_t at, uint32_t end, uint8_t proto, uint64_t here, uint64_t there
) noexcept nogil:
    """Along the chain of extension headers; each is bounded by the packet and their number by a limit."""
    cdef uint32_t size, fragment, _seen
    cdef uint8_t kind
    cdef bint whole = True
    for _seen in range(<uint32_t> EXTENSIONS_MAX + 1):
        kind = TRANSPORT[proto].extension
        if kind == 0 and whole:
            return _transport(p, at, end, proto, here, there, True)
        if kind == 0:
            return _fragment(p, at, end, proto, here, there, 0)
        if end - at < wire.IP6_EXTENSION_MIN:
            return TRUNCATED
        proto = p.data[at]
        size = (p.data[at + 1] + 1) * 8
        if kind == AUTHENTICATION:
            size = (p.data[at + 1] + 2) * 4
        elif kind == FRAGMENTATION:
            size = wire.IP6_EXTENSION_MIN
            fragment = wire.be16(p.data + at + wire.IP6_FRAGMENT)
            if fragment & wire.IP6_OFFSET_MASK:
                return _fragment(p, at + size, end, proto, here, there, fragment & wire.IP6_OFFSET_MASK)
            whole = whole and not fragment & wire.IP6_MORE_FRAGMENTS
        if size > end - at or size < wire.IP6_EXTENSION_MIN + 4 * (kind == AUTHENTICATION):
            return BAD_HEADER
        at += size
    return TOO_DEEP


cdef inline uint16_t _ip6(packet_t *p, uint32_t l3, uint32_t end) noexcept nogil:
    cdef const uint8_t *ip = p.data + l3
    cdef uint32_t room = end - l3
    cdef uint32_t total
    cdef uint64_t here, there
    if room < wire.IP6_SIZE:
        return TRUNCATED
    if ip[0] >> 4 != 6:
        return BAD_VERSION
    total = wire.IP6_SIZE + wire.be16(ip + wire.IP6_LENGTH)
    if p.gso_type and total == wire.IP6_SIZE and room > 0xffff:
        total = room
    if total > room:
        return BAD_LENGTH
    p.l3 = <uint16_t> l3
    p.ip_version = 6
    here = flow_key6(ip + wire.IP6_SOURCE)
    there = flow_key6(ip + wire.IP6_DESTINATION)
    if TRANSPORT[ip[wire.IP6_NEXT]].extension:
        return EXTENSIONS(p, l3 + wire.IP6_SIZE, l3 + total, ip[wire.IP6_NEXT], here, there)
    return _transport(p, l3 + wire.IP6_SIZE, l3 + total, ip[wire.IP6_NEXT], here, there, True)


cdef uint16_t _uncommon(packet_t *p) noexcept nogil:
    """Frames whose first type is not IP."""
    cdef uint32_t at = wire.ETH_SIZE
    cdef uint32_t end = p.len
    cdef uint16_t reason = ether_unwrap(p, &at, &end)
    if reason:
        return reason
    if p.ethertype == wire.TYPE_IPV4:
        return _ip4(p, at, end)
    return _ip6(p, at, end) if p.ethertype == wire.TYPE_IPV6 else 0


cdef inline uint16_t _ethernet(packet_t *p) noexcept nogil:
    if p.len < wire.ETH_SIZE:
        return TRUNCATED
    p.ethertype = wire.be16(p.data + wire.ETH_TYPE)
    if p.ethertype == wire.TYPE_IPV4:
        return _ip4(p, wire.ETH_SIZE, p.len)
    if p.ethertype == wire.TYPE_IPV6:
        return _ip6(p, wire.ETH_SIZE, p.len)
    p.flow = flow_hash(flow_mac(p.data + wire.ETH_SOURCE), flow_mac(p.data + wire.ETH_DESTINATION), 0)
    return UNCOMMON(p)


cdef inline uint16_t _ip(packet_t *p) noexcept nogil:
    if p.len == 0:
        return TRUNCATED
    if p.data[0] >> 4 == 4:
        p.ethertype = wire.TYPE_IPV4
        return _ip4(p, 0, p.len)
    p.ethertype = wire.TYPE_IPV6
    return _ip6(p, 0, p.len)


cdef uint16_t parse_packet(packet_t *p) noexcept nogil:
    cdef uint16_t reason
    _clear(p)
    if p.medium == ETHERNET:
        reason = _ethernet(p)
    elif p.medium == IP:
        reason = _ip(p)
    else:
        p.payload = 0
        return 0
    if reason == 0 and (p.gso_type | p.vnet_flags & NEEDS_CSUM):
        reason = claim_check(p)
    if reason:
        _clear(p)
    return reason


cdef void parse_batch(batch_t *batch) noexcept nogil:
    cdef uint32_t i
    for i in range(batch.count):
        if i + AHEAD < batch.count:
            __builtin_prefetch(batch.packets[i + AHEAD].data)
            __builtin_prefetch(batch.packets[i + AHEAD].data + 64)
        batch.packets[i].egress = DROP
        batch.packets[i].reason = parse_packet(&batch.packets[i])
