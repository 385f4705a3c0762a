"""Answers to ARP requests (RFC 826, 5227) and IPv6 neighbour solicitations (RFC 4861)."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy

from tunnel.address cimport address_is_host4, address_is_host6
from tunnel.arena cimport HEADROOM, arena_t, arena_take
from tunnel.packet cimport NEEDS_CSUM, SHARED, packet_own, packet_t
from tunnel.tables.prefixes cimport prefix_t, prefixes_find, prefixes_t
from tunnel.wire cimport (
    ARP_OPERATION, ARP_REPLY, ARP_REQUEST, ARP_SENDER_IP, ARP_SENDER_MAC, ARP_SIZE,
    ARP_TARGET_IP, ARP_TARGET_MAC, ETH_DESTINATION, ETH_SOURCE, ICMP6_ADVERTISEMENT,
    ICMP6_SOLICITATION, ICMP6_TARGET, ICMP_CHECKSUM, ICMP_CODE, ICMP_TYPE, IP6_DESTINATION, IP6_HOPS,
    IP6_LENGTH, IP6_SIZE, IP6_SOURCE, MAC_SIZE, PROTO_ICMP6, be16, csum_fold, csum_partial,
    csum_pseudo6, load32, put16,
)

from tunnel import reasons

cdef uint16_t NOT_ANSWERED = reasons.NOT_ANSWERED
cdef uint16_t NOT_OURS = reasons.NOT_OURS
cdef uint16_t MARTIAN = reasons.MARTIAN
cdef uint16_t NO_ROOM = reasons.NO_ROOM
cdef uint16_t BAD_CHECKSUM = reasons.BAD_CHECKSUM

cdef enum:
    SOLICITATION_SIZE = 24
    ADVERTISEMENT_SIZE = 32           # with the option that names the MAC
    TARGET_LINK_LAYER = 2             # that option's type; its length is in units of 8 bytes
    SOLICITED = 0x40
    OVERRIDE = 0x20
    HOPS_ON_LINK = 255                # RFC 4861, 7.1.1: proof that no router was passed

cdef const uint8_t *ARP_ETHERNET_IPV4 = b"\x00\x01\x08\x00\x06\x04"
cdef const uint8_t *UNSPECIFIED = b"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
cdef const uint8_t *ALL_NODES = b"\xff\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"
cdef const uint8_t *ALL_NODES_MAC = b"\x33\x33\0\0\0\x01"


cdef inline bint owned(const prefixes_t *own, const uint8_t *target, uint8_t version, bint probe) noexcept nogil:
    """Whether to answer for ``target``: everybody where nothing is said, hosts of the prefixes else.

    A probe asks whether an address is free; only one that is named singly is not.
    """
    cdef const prefix_t *prefix
    if own.count == 0:
        return not probe
    prefix = prefixes_find(own, target, version)
    return prefix != NULL and (prefix.single or not probe)


cdef uint16_t neighbour_arp(packet_t *p, arena_t *arena, const prefixes_t *own, const uint8_t *mac) noexcept nogil:
    """Turn an ARP request into its reply; 0, or why not."""
    cdef uint8_t *arp = p.data + p.l3
    cdef uint8_t[4] target
    cdef bint probe
    if p.len < <uint32_t> p.l3 + ARP_SIZE or memcmp(arp, ARP_ETHERNET_IPV4, 6) != 0:
        return NOT_ANSWERED
    if be16(arp + ARP_OPERATION) != ARP_REQUEST:
        return NOT_ANSWERED
    probe = load32(arp + ARP_SENDER_IP) == 0
    if arp[ARP_SENDER_MAC] & 1 or (not probe and not address_is_host4(arp + ARP_SENDER_IP)):
        return MARTIAN
    memcpy(target, arp + ARP_TARGET_IP, 4)
    if not address_is_host4(target) or load32(target) == load32(arp + ARP_SENDER_IP):
        return NOT_ANSWERED
    if not owned(own, target, 4, probe):
        return NOT_OURS
    if not packet_own(arena, p):
        return NO_ROOM
    arp = p.data + p.l3
    memcpy(arp + ARP_TARGET_MAC, arp + ARP_SENDER_MAC, MAC_SIZE + 4)
    memcpy(arp + ARP_SENDER_MAC, mac, MAC_SIZE)
    memcpy(arp + ARP_SENDER_IP, target, 4)
    put16(arp + ARP_OPERATION, ARP_REPLY)
    memcpy(p.data + ETH_DESTINATION, p.data + ETH_SOURCE, MAC_SIZE)
    memcpy(p.data + ETH_SOURCE, mac, MAC_SIZE)
    return 0


cdef bint neighbour_is_solicitation(const packet_t *p) noexcept nogil:
    return (
        p.proto == PROTO_ICMP6 and p.ip_version == 6 and p.l4 == p.l3 + IP6_SIZE
        and p.len > p.l4 and p.data[p.l4] == ICMP6_SOLICITATION
    )


cdef inline uint16_t summed(const uint8_t *ip, const uint8_t *icmp, uint32_t size) noexcept nogil:
    return csum_fold(csum_partial(icmp, size, csum_pseudo6(ip, PROTO_ICMP6, size)))


cdef uint16_t solicitation_refused(const packet_t *p, const prefixes_t *own) noexcept nogil:
    """RFC 4861, 7.1.1, and whose address it asks for; 0 = to be answered."""
    cdef const uint8_t *ip = p.data + p.l3
    cdef const uint8_t *icmp = p.data + p.l4
    cdef const uint8_t *target = icmp + ICMP6_TARGET
    cdef uint32_t size = be16(ip + IP6_LENGTH)
    cdef bint probe = memcmp(ip + IP6_SOURCE, UNSPECIFIED, 16) == 0
    if size < SOLICITATION_SIZE or p.l4 + size > p.len or ip[IP6_HOPS] != HOPS_ON_LINK or icmp[ICMP_CODE] != 0:
        return NOT_ANSWERED
    if not p.vnet_flags & NEEDS_CSUM and summed(ip, icmp, size) != 0xffff:
        return BAD_CHECKSUM
    if p.data[ETH_SOURCE] & 1 or (not probe and not address_is_host6(ip + IP6_SOURCE)):
        return MARTIAN
    if not address_is_host6(target) or memcmp(ip + IP6_SOURCE, target, 16) == 0 or not asked_rightly(ip, target, probe):
        return NOT_ANSWERED
    return 0 if owned(own, target, 6, probe) else NOT_OURS


cdef inline bint asked_rightly(const uint8_t *ip, const uint8_t *target, bint probe) noexcept nogil:
    """To the target's solicited-node group (ff02::1:ff00:0/104) or, but for a probe, to the target."""
    cdef const uint8_t *to = ip + IP6_DESTINATION
    if memcmp(to, b"\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff", 13) == 0:
        return memcmp(to + 13, target + 13, 3) == 0
    return not probe and memcmp(to, target, 16) == 0


cdef uint16_t neighbour_solicited(
    packet_t *p, arena_t *arena, const prefixes_t *own, const uint8_t *mac,
) noexcept nogil:
    """Turn a solicitation into its advertisement, in new bytes of the right size; 0, or why not."""
    cdef uint16_t reason = solicitation_refused(p, own)
    cdef uint8_t *room
    cdef uint32_t total
    if reason:
        return reason
    total = p.l4 + ADVERTISEMENT_SIZE
    room = arena_take(arena, HEADROOM + total)
    if room == NULL:
        return NO_ROOM
    memcpy(room + HEADROOM, p.data, p.l4 + SOLICITATION_SIZE)
    p.data = room + HEADROOM
    p.headroom, p.tailroom, p.len, p.payload = HEADROOM, 0, total, <uint16_t> total
    p.vnet_flags, p.flags = 0, p.flags & ~SHARED
    write_advertisement(p, mac)
    return 0


cdef void write_advertisement(packet_t *p, const uint8_t *mac) noexcept nogil:
    cdef uint8_t *ip = p.data + p.l3
    cdef uint8_t *icmp = p.data + p.l4
    cdef bint probe = memcmp(ip + IP6_SOURCE, UNSPECIFIED, 16) == 0
    memcpy(p.data + ETH_DESTINATION, ALL_NODES_MAC if probe else p.data + ETH_SOURCE, MAC_SIZE)
    memcpy(p.data + ETH_SOURCE, mac, MAC_SIZE)
    memcpy(ip + IP6_DESTINATION, ALL_NODES if probe else ip + IP6_SOURCE, 16)
    memcpy(ip + IP6_SOURCE, icmp + ICMP6_TARGET, 16)
    put16(ip + IP6_LENGTH, ADVERTISEMENT_SIZE)
    icmp[ICMP_TYPE] = ICMP6_ADVERTISEMENT
    icmp[ICMP_TYPE + 4] = OVERRIDE if probe else OVERRIDE | SOLICITED
    icmp[SOLICITATION_SIZE] = TARGET_LINK_LAYER
    icmp[SOLICITATION_SIZE + 1] = 1
    memcpy(icmp + SOLICITATION_SIZE + 2, mac, MAC_SIZE)
    put16(icmp + ICMP_CHECKSUM, 0)
    put16(icmp + ICMP_CHECKSUM, ~summed(ip, icmp, ADVERTISEMENT_SIZE))
