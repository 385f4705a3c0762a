"""IP packets or Ethernet frames in UDP datagrams.

Overlay to underlay (encap):          Underlay to overlay (decap):
1. a peer is known                    1. it comes from the peer, or a new one may be learned
2. larger than ``mtu``: ICMP          2. empty: a keepalive
3. a SYN's MSS is clamped             3. parsed as what the overlay carries
4. it becomes a datagram              4. a SYN's MSS is clamped
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from tunnel.address cimport address_map
from tunnel.batch cimport Batch, batch_emit, batch_t
from tunnel.endpoint cimport endpoint_at, endpoint_new, endpoint_same, endpoint_t
from tunnel.icmp_error cimport icmp_error_tellable
from tunnel.packet cimport CONSUMED, DATAGRAM, ETHERNET, IP, packet_drop, packet_t
from tunnel.parse cimport parse_packet
from tunnel.pmtu cimport pmtu_clamp, pmtu_exceeds, pmtu_tell
from tunnel.tables.buckets cimport buckets_take
from tunnel.wire cimport IP4_SOURCE, IP6_SOURCE

import ipaddress
from tunnel import arguments, endpoints, reasons
from tunnel.errors import ConfigError
from tunnel.handlers.options import UdpTunnelOptions

cdef uint16_t STRANGER = reasons.STRANGER
cdef uint16_t NO_PEER = reasons.NO_PEER
cdef uint16_t NO_ROOM = reasons.NO_ROOM
cdef uint16_t WRONG_MEDIUM = reasons.WRONG_MEDIUM
cdef uint16_t TOO_BIG = reasons.TOO_BIG

cdef enum:
    OVERLAY = 0
    UNDERLAY = 1
    MTU_MIN = 576             # what every IPv4 host takes, RFC 791
    TOLD_RATE = 100           # ICMP errors a second to one source
    TOLD_BURST = 10

cdef uint64_t SILENCE_NS = 60_000_000_000


cdef class UdpTunnel(Handler):
    """IP packets or Ethernet frames in UDP datagrams, one in each, nothing added.

    IT PROTECTS NOTHING. Whoever is on the way reads and changes what passes; whoever can send from,
    or pretend to, the peer's address puts packets into the overlay; with ``learn`` whoever comes
    first, or after a minute of silence, is the peer. Use it on a wire you trust, or ``tunnel-wg``.

    Synopsis
        ``UdpTunnel(peer="192.0.2.2:9000", mtu=1472)``;
        links: ``"tun0 -- t.overlay"``, ``"t.underlay -- wan"`` (``wan`` a ``udp`` device)

    Ports
        ``overlay``     the packets carried, both ways; ICMP too-big leaves here
        ``underlay``    the datagrams that carry them

    Options
        ``peer``         ``ADDR:PORT`` or ``[IPv6]:PORT`` of the other end; names are not looked up
        ``learn``        take the first sender as the peer, and another only when the peer has been
                         silent for 60 s. Either ``peer`` or ``learn`` is needed, not both
        ``medium``       what the overlay carries: ``"ip"`` (default; a TUN), ``"ethernet"`` (a TAP)
        ``mtu``          bytes of the largest IP packet carried, from its IP header on; at least 576,
                         1,280 if the overlay has IPv6. 0 (default): no limit known, as where the
                         overlay's device has the right MTU already. Outer headers take 28 bytes over
                         IPv4, 48 over IPv6, and the inner Ethernet header 14
        ``mss_clamp``    with ``mtu``, lower the MSS in TCP SYNs, both ways, to what fits (default true)
        ``keepalive_s``  send an empty datagram at the start and whenever nothing was sent for so many
                         seconds, so that a NAT on the way remembers us; 0 (default) = never

    Drop reasons
        NO_PEER         to the underlay while no peer has been learned
        TOO_BIG         above ``mtu``, and IPv6 or DF is set; the source is told by ICMP
        STRANGER        a datagram from another address than the peer's; never answered
        WRONG_MEDIUM    from the overlay, but not ``medium``; from the underlay, but no datagram
        NO_ROOM         the batch's memory is full
        TRUNCATED and the parser's other reasons: a datagram that is no packet of ``medium``

    Notes
        An IPv4 packet above ``mtu`` without DF is carried: the kernel fragments the datagram, which
        costs less than to cut the packet here and is undone before decap. Frames that are not IP
        are carried whatever their size.

        ICMP too-big comes from the packet's own destination and goes to at most 100 packets a second
        of one source, never about ICMP errors, groups, broadcasts or fragments behind the first.

        Datagrams go out from the local address to which the peer's last one came. Their DSCP and ECN
        are 0. An empty datagram is CONSUMED. TTLs are left alone: the tunnel is a wire, not a router.

        With ``peer`` it may run in several workers. What one peer sends comes to one of them; where this
        machine has several addresses, listen on one, for the others cannot learn which the peer knows.
        Keepalives and ICMP are each worker's own.

    See also
        ``tunnel udp``, ``devices.udp``, ``handlers.wireguard``, ``handlers.vxlan``
    """

    ports = ("overlay", "underlay")
    media = {"underlay": DATAGRAM}
    accepts = 0
    parallel = True
    Options = UdpTunnelOptions

    def __init__(self, **options):
        chosen = arguments.read("udp_tunnel", UdpTunnelOptions, options)
        cdef bytes record
        if bool(chosen.peer) == chosen.learn:
            raise ConfigError('udp_tunnel: either peer = "ADDR:PORT" or learn = true is needed, not both')
        if 0 < chosen.mtu < MTU_MIN:
            raise ConfigError(f"udp_tunnel: mtu = {chosen.mtu}: 0 or at least {MTU_MIN} was expected")
        if chosen.peer:
            record = _peer(chosen.peer)
            memcpy(&self.peer, <const char *> record, sizeof(endpoint_t))
        self.media = {"overlay": IP if chosen.medium == "ip" else ETHERNET, "underlay": DATAGRAM}
        self.learn = chosen.learn
        self.parallel = not chosen.learn      # workers would learn different peers
        self.medium = self.media["overlay"]
        self.mtu = chosen.mtu
        self.mss_clamp = chosen.mss_clamp and chosen.mtu > 0
        self.keepalive_ns = int(chosen.keepalive_s * 1e9)
        self.told = Buckets(TOLD_RATE, TOLD_BURST)

    cdef int c_process(self, batch_t *batch) except -1 nogil:
        cdef uint32_t count = batch.count, endpoint = 0, i
        for i in range(count):
            if batch.packets[i].ingress == OVERLAY:
                encap(self, batch, i, &endpoint)
            else:
                decap(self, batch, &batch.packets[i], &endpoint)
        return 0

    def opened(self, uint64_t now_ns):
        """Arms the keepalive; the first is sent at once."""
        self.deadline_ns = now_ns if self.keepalive_ns else 0

    def tick(self, uint64_t now_ns, Batch batch not None):
        """Sends a keepalive if nothing else was sent for ``keepalive_s``."""
        if not self.keepalive_ns:
            return 0
        if self.peer.size == 0:
            return now_ns + self.keepalive_ns
        if self.sent_ns == 0 or now_ns - self.sent_ns >= self.keepalive_ns:
            emit_keepalive(self, &batch.c)
            self.sent_ns = now_ns
        return self.sent_ns + self.keepalive_ns


cdef void encap(UdpTunnel self, batch_t *batch, uint32_t index, uint32_t *endpoint) noexcept nogil:
    """Packet ``index`` of the overlay becomes a datagram to the peer; ``endpoint`` is made once a batch."""
    cdef packet_t *p = &batch.packets[index]
    if p.medium != self.medium:
        packet_drop(p, WRONG_MEDIUM)
    elif self.peer.size == 0:
        packet_drop(p, NO_PEER)
    elif self.mtu and pmtu_exceeds(p, self.mtu):
        packet_drop(p, TOO_BIG)
        tell(self, batch, index)
    elif not endpoint[0] and not write_endpoint(self, batch, endpoint):
        packet_drop(p, NO_ROOM)
    elif self.mss_clamp and not pmtu_clamp(p, batch.arena, self.mtu):
        packet_drop(p, NO_ROOM)
    else:
        p.medium = DATAGRAM
        parse_packet(p)
        p.endpoint = endpoint[0]
        p.egress = UNDERLAY
        self.sent_ns = batch.now_ns


cdef bint write_endpoint(UdpTunnel self, batch_t *batch, uint32_t *endpoint) noexcept nogil:
    endpoint[0] = endpoint_new(batch.arena)
    if endpoint[0]:
        endpoint_at(batch.arena, endpoint[0])[0] = self.peer
    return endpoint[0] != 0


cdef void tell(UdpTunnel self, batch_t *batch, uint32_t index) noexcept nogil:
    """The source of packet ``index`` learns ``mtu``, if it may be told and has not been too often."""
    cdef packet_t *p = &batch.packets[index]
    cdef packet_t *error
    cdef uint8_t[16] source
    address_map(source, p.data + p.l3 + (IP4_SOURCE if p.ip_version == 4 else IP6_SOURCE), p.ip_version)
    if not icmp_error_tellable(p) or not buckets_take(&self.told.c, source, batch.now_ns, 1):
        return
    error = pmtu_tell(batch, index, self.mtu)
    if error != NULL:
        error.egress = OVERLAY


cdef void decap(UdpTunnel self, batch_t *batch, packet_t *p, uint32_t *endpoint) noexcept nogil:
    """A datagram becomes a packet of the overlay."""
    cdef const endpoint_t *sender = endpoint_at(batch.arena, p.endpoint)
    cdef bint from_peer
    cdef uint16_t reason
    if p.medium != DATAGRAM or p.endpoint == 0:
        packet_drop(p, WRONG_MEDIUM)
        return
    from_peer = self.peer.size != 0 and endpoint_same(sender, &self.peer)
    if not from_peer and not may_bind(self, batch):
        packet_drop(p, STRANGER)
        return
    p.endpoint = 0
    if p.len:
        p.medium = self.medium
        reason = parse_packet(p)
        if reason:
            packet_drop(p, reason)
        elif self.mss_clamp and not pmtu_clamp(p, batch.arena, self.mtu):
            packet_drop(p, NO_ROOM)
        else:
            p.egress = OVERLAY
    else:
        p.egress = CONSUMED
    if from_peer or p.egress == OVERLAY or p.egress == CONSUMED:
        heard(self, sender, batch.now_ns, endpoint)


cdef inline bint may_bind(UdpTunnel self, const batch_t *batch) noexcept nogil:
    return self.learn and (self.peer.size == 0 or batch.now_ns - self.heard_ns >= SILENCE_NS)


cdef inline void heard(UdpTunnel self, const endpoint_t *sender, uint64_t now_ns, uint32_t *endpoint) noexcept nogil:
    """The peer has spoken: answers go to it, from the address that it spoke to."""
    memcpy(self.peer.name, sender.name, sizeof(sender.name))
    memcpy(self.peer.local, sender.local, sizeof(sender.local))
    self.peer.size = sender.size
    self.heard_ns = now_ns
    endpoint[0] = 0


cdef int emit_keepalive(UdpTunnel self, batch_t *batch) except -1:
    cdef uint32_t endpoint = 0
    cdef packet_t *p
    if not write_endpoint(self, batch, &endpoint):
        return 0
    p = batch_emit(batch, 0)
    if p == NULL:
        return 0
    p.medium = DATAGRAM
    parse_packet(p)
    p.endpoint = endpoint
    p.egress = UNDERLAY
    return 0


def _peer(text):
    """The endpoint record of an address that one host can have."""
    host, port = endpoints.parse(text)
    address = ipaddress.ip_address(host)
    if address.is_multicast or address.is_unspecified or host == "255.255.255.255" or port == 0:
        raise ConfigError(f"udp_tunnel: peer = {text!r}: the address and port of one host were expected")
    try:
        return endpoints.pack(host, port)
    except (OSError, ValueError):
        raise ConfigError(f"udp_tunnel: peer = {text!r}: behind % an interface of this host was expected") from None
