"""What may lie between the MAC addresses and the L3 header: tags, LLC and SNAP; and ARP itself."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from tunnel.packet cimport packet_t

cimport tunnel.wire as wire

from tunnel import reasons

cdef uint16_t TRUNCATED = reasons.TRUNCATED
cdef uint16_t BAD_LENGTH = reasons.BAD_LENGTH
cdef uint16_t TOO_DEEP = reasons.TOO_DEEP
cdef uint16_t BAD_GSO = reasons.BAD_GSO


cdef inline bint _is_tag(uint16_t kind) noexcept nogil:
    return kind == wire.TYPE_VLAN or kind == wire.TYPE_QINQ or kind == wire.TYPE_QINQ_OLD


cdef uint16_t _tags(packet_t *p, uint32_t *at) noexcept nogil:
    """Take the tags off at ``at``, the byte behind the first TPID; p.ethertype is what the last names."""
    cdef uint32_t seen
    p.vlan_tpid = p.ethertype
    for seen in range(<uint32_t> TAGS_MAX):
        if p.len - at[0] < wire.TAG_SIZE:
            return TRUNCATED
        if seen == 0:
            p.vlan_tci = wire.be16(p.data + at[0] + wire.TAG_TCI)
        elif seen == 1:
            p.vlan_inner = wire.be16(p.data + at[0] + wire.TAG_TCI)
        p.ethertype = wire.be16(p.data + at[0] + wire.TAG_TYPE)
        at[0] += wire.TAG_SIZE
        if not _is_tag(p.ethertype):
            return 0
    return TOO_DEEP


cdef uint16_t _llc(packet_t *p, uint32_t *at, uint32_t *end) noexcept nogil:
    """802.3: the field is a length. SNAP under OUI 0 carries an ethertype (RFC 1042); else there is
    no L3 header and the payload is the LLC header."""
    cdef const uint8_t *llc = p.data + at[0]
    cdef uint32_t size = p.ethertype
    p.ethertype = 0
    p.payload = <uint16_t> at[0]
    if size > wire.ETH_LENGTH_MAX or size > p.len - at[0]:
        return BAD_LENGTH
    if p.gso_type:
        return BAD_GSO  # each segment would need a length of its own here
    if size < wire.LLC_SIZE:
        return TRUNCATED
    end[0] = at[0] + size
    if size >= wire.SNAP_SIZE and wire.be16(llc) == 0xaaaa and wire.be32(llc + wire.LLC_CONTROL) == 0x03000000:
        p.ethertype = wire.be16(llc + wire.SNAP_TYPE)
        at[0] += wire.SNAP_SIZE
    return 0


cdef uint16_t _arp(packet_t *p, uint32_t at, uint32_t end) noexcept nogil:
    cdef const uint8_t *arp = p.data + at
    cdef uint32_t room = end - at
    p.payload = <uint16_t> (p.len if p.len < 0xffff else 0xffff)
    if room < wire.ARP_FIXED:
        return TRUNCATED
    room = (room - wire.ARP_FIXED) // 2
    return TRUNCATED if <uint32_t> arp[wire.ARP_HARDWARE_SIZE] + arp[wire.ARP_PROTOCOL_SIZE] > room else 0


cdef uint16_t ether_unwrap(packet_t *p, uint32_t *at, uint32_t *end) noexcept nogil:
    cdef uint16_t reason
    if _is_tag(p.ethertype):
        reason = _tags(p, at)
        if reason:
            return reason
    if p.ethertype < wire.ETH_TYPE_MIN:
        reason = _llc(p, at, end)
        if reason or p.ethertype == 0:
            return reason
    p.l3 = p.payload = <uint16_t> at[0]
    return _arp(p, at[0], end[0]) if p.ethertype == wire.TYPE_ARP else 0
