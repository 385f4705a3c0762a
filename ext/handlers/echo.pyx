"""Answers what is addressed to it. For each packet:

1. what it is: ARP, neighbour solicitation, echo request, UDP to reflect, datagram
2. whether an answer may go there: frame, addresses, source routes, ports
3. whether its source is within its rate
4. the answer, written over the packet
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy

from tunnel.address cimport address_is_host, address_map
from tunnel.batch cimport batch_t
from tunnel.endpoint cimport endpoint_at, endpoint_t
from tunnel.neighbour cimport neighbour_arp, neighbour_is_solicitation, neighbour_solicited
from tunnel.packet cimport (
    ABSENT, DATAGRAM, ETHERNET, F_ALL, FRAGMENT, MORE, packet_drop, packet_own, packet_segments, packet_t,
)
from tunnel.parse cimport parse_packet
from tunnel.tables.buckets cimport buckets_take
from tunnel.tables.prefixes cimport prefixes_broadcast, prefixes_find
from tunnel.verbs cimport HOPS_NEW, packet_echo, packet_is_echo, packet_reply, packet_set_hops
from tunnel.wire cimport (
    ETH_DESTINATION, ETH_SOURCE, IP4_DESTINATION, IP4_SIZE, IP4_SOURCE, IP4_TTL, IP6_DESTINATION,
    IP6_HOPS, IP6_NEXT, IP6_SIZE, IP6_SOURCE, MAC_SIZE, PORT_DESTINATION, PORT_SOURCE, PROTO_AH,
    PROTO_FRAGMENT, PROTO_ROUTING, PROTO_UDP, TYPE_ARP, be16,
)

from tunnel import arguments, reasons
from tunnel.handlers.options import EchoOptions

cdef uint16_t NOT_ANSWERED = reasons.NOT_ANSWERED
cdef uint16_t NOT_OURS = reasons.NOT_OURS
cdef uint16_t MARTIAN = reasons.MARTIAN
cdef uint16_t RATE = reasons.RATE
cdef uint16_t NO_ROOM = reasons.NO_ROOM

cdef enum:
    PORT_PRIVILEGED = 1024
    RATE_EXPOSED = 1000
    OPTION_END = 0
    OPTION_NOP = 1
    OPTION_LSRR = 131         # loose and strict source route, RFC 791
    OPTION_SSRR = 137


cdef class Echo(Handler):
    """Answers pings, ARP and neighbour solicitations, and UDP if asked.

    Synopsis
        ``Echo(addresses=["10.8.0.2", "fd08::/64"], reflect_udp=True, rate=1000)``;
        links: ``"tun0 -- echo"``

    Ports
        ``port``    requests enter, answers leave.

    Options
        ``addresses``    list of addresses and prefixes answered for, at most 64. Empty, the default:
                         every address. An IPv4 prefix shorter than 31 bits leaves out its first and
                         last address.
        ``subnets``      list of the prefixes in use where it stands, at most 64: no answer is given
                         for, or to, the broadcast addresses of those (the first and the last, IPv4).
                         Default: none. A subnet's broadcast address looks like any other.
        ``mac``          on Ethernet: the MAC given in answers to ARP and solicitations, and the only
                         one whose frames are answered. Default 02:65:63:68:6f:01.
        ``reflect_udp``  send UDP back with addresses and ports exchanged. Default false.
        ``local_port``   port of the ``udp`` device linked here, 0 (default) = none. A datagram does
                         not tell to which port it came, and those from that same port must not be
                         reflected; so without it no datagram of a ``udp`` device is.
        ``rate``         answers a second to one source, 0 = no limit; a tenth of it at once. Default:
                         none on a TUN or TAP; 1,000 with ``local_port``, or where the graph says that
                         strangers can reach it (``exposed``). A super-packet counts its segments.
                         Pings and reflected UDP count, ARP and solicitations do not. 4,096 sources;
                         when all are busy others wait. Each of several workers counts for itself.

    Drop reasons
        NOT_ANSWERED    not a request, a fragment, to a group or broadcast address or frame, source
                        routed (IPv4 LSRR, SSRR; an IPv6 routing header), authenticated (AH), UDP from
                        a port below 1024 or equal to its destination port, a malformed solicitation
        NOT_OURS        to an address or a MAC that is not answered for
        MARTIAN         from 0/8, 127/8, 240/4, a multicast or broadcast address, ``::``, ``::1``, an
                        IPv4-mapped address, a group MAC, or from the destination itself
        RATE            above ``rate``
        BAD_CHECKSUM    a neighbour solicitation's
        NO_ROOM         no room for the answer

    Notes
        Everything that is no request is dropped, ICMP errors too. Checksums are corrected, not made
        anew: the answer to a packet with a wrong one has a wrong one. TTL or hop limit is 64, that of
        reflected UDP also lower than the request's, so that two reflectors facing each other come to
        an end. DF, identification, traffic class, flow label, other options and VLAN tags stay.

        Without ``addresses`` every ARP request and solicitation is answered except for the asker's
        own address (a probe or announcement, RFC 5227, RFC 4862); with prefixes a probe is answered
        only for an address named singly. On Ethernet that claims the whole subnet.

        Takes super-packets and partial checksums as they are: an answer's is right too, since a
        pseudo-header has the same sum in both directions.

    See also
        ``tunnel echo``, ``handlers.udp_tunnel``
    """

    ports = ("port",)
    accepts = F_ALL
    parallel = True
    Options = EchoOptions

    def __init__(self, **options):
        chosen = arguments.read("echo", EchoOptions, options)
        cdef bytes mac = arguments.mac("echo", "mac", chosen.mac)
        memcpy(self.mac, <const char *> mac, MAC_SIZE)
        self.own = Prefixes(chosen.addresses)
        self.subnets = Prefixes(chosen.subnets)
        self.reflect_udp = chosen.reflect_udp
        self.local_port = chosen.local_port
        self.rate_given = chosen.rate is not None
        if chosen.rate:
            self._limit(chosen.rate)
        elif self.local_port:
            self.exposed()

    def exposed(self):
        """Strangers can reach it, as on a ``udp`` or ``packet_socket`` device: 1,000 a second unless told."""
        if not self.rate_given:
            self._limit(RATE_EXPOSED)

    def _limit(self, rate):
        self.buckets = Buckets(rate, max(1, rate // 10))
        self.rate = &self.buckets.c

    cdef int c_process(self, batch_t *batch) except -1 nogil:
        cdef packet_t *p
        cdef uint16_t reason
        cdef uint32_t i
        for i in range(batch.count):
            p = &batch.packets[i]
            if p.medium == DATAGRAM:
                reason = answer_datagram(self, batch, p)
            elif p.medium == ETHERNET and (p.ethertype == TYPE_ARP or neighbour_is_solicitation(p)):
                reason = answer_neighbour(self, batch, p)
            else:
                reason = answer(self, batch, p)
            if reason:
                packet_drop(p, reason)
            else:
                p.egress = 0
        return 0


cdef uint16_t answer_neighbour(Echo self, batch_t *batch, packet_t *p) noexcept nogil:
    cdef uint16_t reason
    if p.l3 == ABSENT:
        return NOT_ANSWERED
    if p.ethertype == TYPE_ARP:
        reason = neighbour_arp(p, batch.arena, &self.own.c, self.mac)
    else:
        reason = neighbour_solicited(p, batch.arena, &self.own.c, self.mac)
    return reason if reason else parse_packet(p)


cdef uint16_t answer(Echo self, batch_t *batch, packet_t *p) noexcept nogil:
    """Echo or reflect an IP packet; 0, or why not."""
    cdef bint echo = packet_is_echo(p)
    cdef bint is_v4 = p.ip_version == 4
    cdef const uint8_t *source = p.data + p.l3 + (IP4_SOURCE if is_v4 else IP6_SOURCE)
    cdef uint8_t hops = HOPS_NEW
    cdef uint16_t reason
    if not echo and not (self.reflect_udp and may_reflect(p)):
        return NOT_ANSWERED
    reason = refused(self, p)
    if reason:
        return reason
    if not within_rate(self, batch, p, source, p.ip_version):
        return RATE
    if not packet_own(batch.arena, p):
        return NO_ROOM
    if echo:
        packet_echo(p)
        return 0
    hops = min(hops, <uint8_t> (p.data[p.l3 + (IP4_TTL if is_v4 else IP6_HOPS)] - 1))
    packet_reply(p)
    packet_set_hops(p, hops)
    return 0


cdef inline bint may_reflect(const packet_t *p) noexcept nogil:
    """Whole UDP that can still be sent on, not from a service: that one would answer for ever."""
    cdef const uint8_t *udp = p.data + p.l4
    cdef uint16_t port
    if p.proto != PROTO_UDP or p.l4 == ABSENT or p.flags & (FRAGMENT | MORE):
        return False
    if p.data[p.l3 + (IP4_TTL if p.ip_version == 4 else IP6_HOPS)] < 2:
        return False
    port = be16(udp + PORT_SOURCE)
    return port >= PORT_PRIVILEGED and port != be16(udp + PORT_DESTINATION)


cdef uint16_t refused(Echo self, const packet_t *p) noexcept nogil:
    """Why no answer may go to this packet's source; 0 = it may."""
    cdef bint is_v4 = p.ip_version == 4
    cdef const uint8_t *ip = p.data + p.l3
    cdef const uint8_t *source = ip + (IP4_SOURCE if is_v4 else IP6_SOURCE)
    cdef const uint8_t *destination = ip + (IP4_DESTINATION if is_v4 else IP6_DESTINATION)
    if p.medium == ETHERNET:
        if p.data[ETH_DESTINATION] & 1:
            return NOT_ANSWERED
        if memcmp(p.data + ETH_DESTINATION, self.mac, MAC_SIZE) != 0:
            return NOT_OURS
        if p.data[ETH_SOURCE] & 1:
            return MARTIAN
    if not address_is_host(source, p.ip_version) or memcmp(source, destination, 4 if is_v4 else 16) == 0:
        return MARTIAN
    if not address_is_host(destination, p.ip_version):
        return NOT_ANSWERED
    if self.subnets.c.count and is_v4:
        if prefixes_broadcast(&self.subnets.c, source, 4):
            return MARTIAN
        if prefixes_broadcast(&self.subnets.c, destination, 4):
            return NOT_ANSWERED
    if self.own.c.count and prefixes_find(&self.own.c, destination, p.ip_version) == NULL:
        return NOT_OURS
    return NOT_ANSWERED if (source_routed4(p) if is_v4 else routed_or_sealed6(p)) else 0


cdef bint source_routed4(const packet_t *p) noexcept nogil:
    """RFC 1122, 3.2.2.6 would have the route reversed; RFC 7126, 4.3 advises to drop."""
    cdef const uint8_t *ip = p.data + p.l3
    cdef uint32_t at = IP4_SIZE, end = (ip[0] & 15) * 4
    while at < end and ip[at] != OPTION_END:
        if ip[at] == OPTION_LSRR or ip[at] == OPTION_SSRR:
            return True
        if ip[at] == OPTION_NOP:
            at += 1
        elif at + 1 < end and ip[at + 1] >= 2:
            at += ip[at + 1]
        else:
            return True
    return False


cdef bint routed_or_sealed6(const packet_t *p) noexcept nogil:
    """A routing header (RFC 5095), or an authentication that no longer holds for the answer."""
    cdef const uint8_t *ip = p.data + p.l3
    cdef uint32_t at = IP6_SIZE, end = p.l4 - p.l3
    cdef uint8_t following = ip[IP6_NEXT]
    while at < end:
        if following == PROTO_ROUTING or following == PROTO_AH:
            return True
        at, following = at + (8 if following == PROTO_FRAGMENT else 8 + ip[at + 1] * 8), ip[at]
    return False


cdef bint within_rate(
    Echo self, const batch_t *batch, const packet_t *p, const uint8_t *source, uint8_t version,
) noexcept nogil:
    cdef uint8_t[16] mapped
    if self.rate == NULL:
        return True
    address_map(mapped, source, version)
    return buckets_take(self.rate, mapped, batch.now_ns, packet_segments(p))


cdef uint16_t answer_datagram(Echo self, batch_t *batch, packet_t *p) noexcept nogil:
    """Send the payload back to where it came from; its endpoint stays. 0, or why not."""
    cdef const endpoint_t *endpoint = endpoint_at(batch.arena, p.endpoint)
    cdef uint8_t version = 4 if endpoint.size == 16 else 6
    cdef const uint8_t *source = endpoint.name + (4 if version == 4 else 8)
    cdef uint16_t port = be16(endpoint.name + 2)
    if not self.reflect_udp or not self.local_port or p.endpoint == 0:
        return NOT_ANSWERED
    if port < PORT_PRIVILEGED or port == self.local_port:
        return NOT_ANSWERED
    if not address_is_host(source, version) or memcmp(source, endpoint.local, 4 if version == 4 else 16) == 0:
        return MARTIAN
    return 0 if within_rate(self, batch, p, source, version) else RATE
