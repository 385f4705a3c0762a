"""Packets of the overlay become transport messages, in place.

    sealing_batch
        _peer_of    longest prefix of the destination; nobody's: ICMP unreachable
        _prepare    a session? else the packet is staged. Room, padding, header, endpoint
        aead_seal   64 at a time
        _sent       counters, timers, is the session old?
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from tunnel.address cimport address_map
from tunnel.arena cimport HEADROOM, arena_t, arena_take
from tunnel.batch cimport batch_emit
from tunnel.crypto.aead cimport AEAD_TAG, aead_job_t, aead_seal
from tunnel.ecn cimport ecn_encap, ecn_tos
from tunnel.endpoint cimport endpoint_at, endpoint_new
from tunnel.icmp_error cimport icmp_error_tellable, icmp_error_unreachable
from tunnel.packet cimport DATAGRAM, IP, SHARED, packet_drop, packet_t
from tunnel.parse cimport parse_packet
from tunnel.protocols.wireguard.keypairs cimport keypairs_age_ns, keypairs_may_send
from tunnel.protocols.wireguard.nonces cimport nonces_assert
from tunnel.protocols.wireguard.layout cimport (
    TRANSPORT_COUNTER, TRANSPORT_FRONT, TRANSPORT_RECEIVER, TYPE_TRANSPORT,
)
from tunnel.protocols.wireguard.staging cimport staging_put, staging_release
from tunnel.protocols.wireguard.state cimport WANT_HANDSHAKE, keypair_t
from tunnel.protocols.wireguard.timing cimport timing_sent
from tunnel.protocols.wireguard.wants cimport wants_add
from tunnel.tables.buckets cimport buckets_take
from tunnel.tables.lpm cimport LPM_NONE, lpm_find
from tunnel.wire cimport IP4_DESTINATION, IP4_SOURCE, IP6_DESTINATION, IP6_SOURCE, put32le, put64le

from tunnel import reasons

cdef uint16_t WRONG_MEDIUM = reasons.WRONG_MEDIUM
cdef uint16_t NO_ALLOWED_IP = reasons.NO_ALLOWED_IP
cdef uint16_t NO_ENDPOINT = reasons.NO_ENDPOINT
cdef uint16_t NO_ROOM = reasons.NO_ROOM
cdef uint16_t LINK_DOWN = reasons.LINK_DOWN

cdef enum:
    JOBS = 64
    OVERLAY = 0               # the handler's ports
    UNDERLAY = 1
    PAD = 16

cdef struct way_t:            # where the last packet went: the next mostly goes there too
    peer_t *peer
    uint8_t tos
    uint32_t endpoint


cdef inline peer_t *_peer_of(const interface_t *at, const packet_t *p) noexcept nogil:
    cdef const uint8_t *ip = p.data + p.l3
    cdef uint32_t destination = IP4_DESTINATION if p.ip_version == 4 else IP6_DESTINATION
    cdef uint32_t slot = lpm_find(at.routes, ip + destination, p.ip_version)
    return NULL if slot == LPM_NONE else at.peers[slot]


cdef void _refuse(interface_t *at, batch_t *batch, uint32_t index, uint16_t reason) noexcept nogil:
    """Drop a packet that no peer can be sent; its source is told, if it may be and has not been too often."""
    cdef packet_t *p = &batch.packets[index]
    cdef packet_t *error
    cdef uint8_t[16] source
    packet_drop(p, reason)
    if not icmp_error_tellable(p):
        return
    address_map(source, p.data + p.l3 + (IP4_SOURCE if p.ip_version == 4 else IP6_SOURCE), p.ip_version)
    if not buckets_take(at.told, source, batch.now_ns, 1):
        return
    error = icmp_error_unreachable(batch, index)
    if error != NULL:
        error.egress = OVERLAY


cdef inline uint32_t _padding(const interface_t *at, uint32_t size) noexcept nogil:
    """Up to a multiple of 16, but not beyond the MTU; above the MTU by what is left of the last piece."""
    cdef uint32_t last = size % at.mtu if at.mtu and size > at.mtu else size
    cdef uint32_t padded = (last + PAD - 1) & ~<uint32_t> (PAD - 1)
    return (padded if at.mtu == 0 or padded < at.mtu else at.mtu) - last


cdef inline bint _room(arena_t *arena, packet_t *p, uint32_t behind) noexcept nogil:
    """Bytes of its own, a header's before and ``behind`` behind them; False where the arena is full."""
    cdef uint8_t *room
    if p.headroom >= TRANSPORT_FRONT and p.tailroom >= behind and not p.flags & SHARED:
        return True
    room = arena_take(arena, HEADROOM + p.len + behind)
    if room == NULL:
        return False
    memcpy(room + HEADROOM, p.data, p.len)
    p.data = room + HEADROOM
    p.headroom = HEADROOM
    p.tailroom = behind
    p.flags &= ~SHARED
    return True


cdef inline bint _toward(arena_t *arena, way_t *way, peer_t *peer, uint8_t tos) noexcept nogil:
    """The record that a packet to ``peer`` leaves by; False where the arena is full."""
    if way.peer == peer and way.tos == tos:
        return True
    way.endpoint = endpoint_new(arena)
    if way.endpoint == 0:
        way.peer = NULL
        return False
    endpoint_at(arena, way.endpoint)[0] = peer.endpoint
    endpoint_at(arena, way.endpoint).tos = tos
    way.peer, way.tos = peer, tos
    return True


cdef inline void _frame(packet_t *p, keypair_t *keypair, uint32_t padding, aead_job_t *job) noexcept nogil:
    """The packet becomes a message that only wants sealing."""
    memset(p.data + p.len, 0, padding)
    job.key = keypair.send_key
    job.counter = keypair.sent
    job.text = p.data
    job.size = p.len + padding
    p.data -= <uint32_t> TRANSPORT_FRONT
    put32le(p.data, TYPE_TRANSPORT)
    put32le(p.data + <uint32_t> TRANSPORT_RECEIVER, keypair.remote)
    put64le(p.data + <uint32_t> TRANSPORT_COUNTER, keypair.sent)
    keypair.sent += 1
    p.len = <uint32_t> TRANSPORT_FRONT + job.size + <uint32_t> AEAD_TAG
    p.headroom -= <uint16_t> TRANSPORT_FRONT
    p.tailroom -= padding + <uint32_t> AEAD_TAG
    p.medium = DATAGRAM
    parse_packet(p)
    p.egress = UNDERLAY


cdef inline void _sent(
    interface_t *at, peer_t *peer, keypair_t *keypair, uint32_t size, uint64_t now_ns, bint holds
) noexcept nogil:
    """One message more to ``peer``; an old session, or one with few numbers left, is to be renewed."""
    peer.tx_bytes += size
    timing_sent(at, peer, now_ns, holds)
    if keypair.sent > at.limits.rekey_messages or (
        keypair.initiator and keypairs_age_ns(keypair, now_ns) > at.limits.rekey_ns
    ):
        wants_add(at, peer, WANT_HANDSHAKE)


cdef inline bint _prepare(
    interface_t *at, batch_t *batch, packet_t *p, peer_t *peer, way_t *way, uint64_t now_ns, aead_job_t *job
) noexcept nogil:
    """True where ``job`` is to be done; else the packet is staged or dropped."""
    cdef keypair_t *keypair = peer.current
    cdef uint32_t padding
    cdef bint holds = p.len != 0
    if not keypairs_may_send(&at.limits, keypair, now_ns):
        wants_add(at, peer, WANT_HANDSHAKE)
        staging_put(at, peer, batch, p)
        return False
    padding = _padding(at, p.len)
    if not _room(batch.arena, p, padding + <uint32_t> AEAD_TAG) or not _toward(
        batch.arena, way, peer, ecn_encap(ecn_tos(p)) if holds else 0
    ):
        packet_drop(p, NO_ROOM)
        return False
    _frame(p, keypair, padding, job)
    p.endpoint = way.endpoint
    _sent(at, peer, keypair, p.len, now_ns, holds)
    return True


cdef inline void _seal(interface_t *at, aead_job_t *jobs, uint32_t count) noexcept nogil:
    nonces_assert(jobs, count)
    aead_seal(at.aead, jobs, count)


cdef void sealing_batch(
    interface_t *at, batch_t *batch, uint32_t first, uint32_t end, peer_t *to, uint64_t now_ns
) noexcept nogil:
    cdef aead_job_t[JOBS] jobs
    cdef uint32_t count = 0, i
    cdef way_t way
    cdef packet_t *p
    cdef peer_t *peer
    way.peer = NULL
    for i in range(first, end):
        p = &batch.packets[i]
        if p.ingress != OVERLAY:
            continue
        if not at.up or (to == NULL and (p.medium != IP or p.ip_version == 0)):
            packet_drop(p, WRONG_MEDIUM if at.up else LINK_DOWN)
            continue
        peer = to if to != NULL else _peer_of(at, p)
        if peer == NULL or peer.endpoint.size == 0:
            _refuse(at, batch, i, NO_ALLOWED_IP if peer == NULL else NO_ENDPOINT)
            continue
        count += _prepare(at, batch, p, peer, &way, now_ns, &jobs[count])
        if count == JOBS:
            _seal(at, jobs, count)
            count = 0
    _seal(at, jobs, count)


cdef void sealing_staged(interface_t *at, peer_t *peer, batch_t *batch, uint64_t now_ns) noexcept nogil:
    """Send what waits for a session; without one it stays, and nothing is asked for."""
    cdef uint32_t first = batch.count
    if keypairs_may_send(&at.limits, peer.current, now_ns):
        staging_release(at, peer, batch)
        sealing_batch(at, batch, first, batch.count, peer, now_ns)


cdef void sealing_keepalive(interface_t *at, peer_t *peer, batch_t *batch, uint64_t now_ns) noexcept nogil:
    """An empty message, unless packets wait, which do as well; without a session one is asked for."""
    cdef packet_t *p
    if peer.waiting or not keypairs_may_send(&at.limits, peer.current, now_ns):
        wants_add(at, peer, WANT_HANDSHAKE)
        return
    if peer.endpoint.size == 0:
        return
    p = batch_emit(batch, 0)
    if p != NULL:
        p.ingress = OVERLAY
        p.medium = IP
        sealing_batch(at, batch, batch.count - 1, batch.count, peer, now_ns)
