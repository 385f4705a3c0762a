"""Transport messages become packets of the overlay, in place (whitepaper, section 5.4.6).

    opening_batch
        _name       length, receiver index, age: whose message it says that it is
        aead_open   64 at a time
        _accept     once it has authenticated: replay window, endpoint, rotation, timers
        _deliver    padding off; the source must be the peer's by longest prefix; ECN
        intake      all other messages, after those: they may emit, which moves the batch
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from tunnel.crypto.aead cimport AEAD_TAG, aead_job_t, aead_open
from tunnel.ecn cimport ecn_decap
from tunnel.endpoint cimport endpoint_at, endpoint_t
from tunnel.packet cimport CONSUMED, DATAGRAM, DROP, IP, packet_drop, packet_own, packet_t
from tunnel.parse cimport parse_packet
from tunnel.protocols.wireguard.intake cimport intake_message
from tunnel.protocols.wireguard.keypairs cimport keypairs_age_ns, keypairs_confirm, keypairs_find, keypairs_has
from tunnel.protocols.wireguard.layout cimport (
    TRANSPORT_COUNTER, TRANSPORT_FRONT, TRANSPORT_MIN, TRANSPORT_RECEIVER, TYPE_TRANSPORT,
)
from tunnel.protocols.wireguard.state cimport (
    CONFIRMED, WANT_HANDSHAKE, keypair_t, peer_t,
)
from tunnel.protocols.wireguard.timing cimport timing_received
from tunnel.protocols.wireguard.wants cimport wants_add
from tunnel.tables.indices cimport indices_find
from tunnel.tables.lpm cimport lpm_find
from tunnel.tables.replay cimport replay_accept
from tunnel.wire cimport IP4_LENGTH, IP4_SIZE, IP4_SOURCE, IP6_LENGTH, IP6_SIZE, IP6_SOURCE, be16, le32, le64

from tunnel import reasons

cdef uint16_t BAD_MESSAGE = reasons.BAD_MESSAGE
cdef uint16_t BAD_TAG = reasons.BAD_TAG
cdef uint16_t BAD_LENGTH = reasons.BAD_LENGTH
cdef uint16_t UNCLAIMED = reasons.UNCLAIMED
cdef uint16_t EXPIRED = reasons.EXPIRED
cdef uint16_t LINK_DOWN = reasons.LINK_DOWN
cdef uint16_t NO_ROOM = reasons.NO_ROOM
cdef uint16_t NO_SESSION = reasons.NO_SESSION
cdef uint16_t REPLAYED = reasons.REPLAYED
cdef uint16_t WRONG_MEDIUM = reasons.WRONG_MEDIUM
cdef uint16_t WRONG_SOURCE = reasons.WRONG_SOURCE

cdef enum:
    JOBS = 64
    OVERLAY = 0               # the handler's ports
    LOCAL_SIDE = 20           # bytes of endpoint_t.local and ifindex

cdef struct named_t:          # a message whose sender is named, not yet proved
    packet_t *p
    peer_t *peer
    keypair_t *keypair


cdef inline bint _name(
    interface_t *at, const packet_t *p, uint64_t now_ns, named_t *named, uint16_t *reason
) noexcept nogil:
    """The peer and keypair of a transport message, or the reason why there is none."""
    cdef uint32_t index
    if p.len < TRANSPORT_MIN:
        reason[0] = BAD_MESSAGE
        return False
    index = le32(p.data + TRANSPORT_RECEIVER)
    named.peer = <peer_t *> indices_find(at.indices, index)
    named.keypair = NULL if named.peer == NULL else keypairs_find(named.peer, index)
    reason[0] = NO_SESSION
    if named.keypair == NULL:
        return False
    reason[0] = EXPIRED
    return keypairs_age_ns(named.keypair, now_ns) <= at.limits.reject_ns


cdef inline void _roam(peer_t *peer, const endpoint_t *source) noexcept nogil:
    """Answers go where it came from, from where it went to."""
    if (
        memcmp(peer.endpoint.name, source.name, sizeof(source.name)) != 0
        or memcmp(peer.endpoint.local, source.local, LOCAL_SIDE) != 0
    ):
        memcpy(&peer.endpoint, source, sizeof(endpoint_t))


cdef inline uint16_t _accept(
    interface_t *at, batch_t *batch, named_t *named, bint holds, uint64_t now_ns
) noexcept nogil:
    """What an authentic message changes; 0, or the reason why it is dropped nevertheless."""
    cdef peer_t *peer = named.peer
    cdef keypair_t *keypair = named.keypair
    if not keypairs_has(peer, keypair):
        return NO_SESSION     # dropped since it was named, by another's confirming
    if not replay_accept(&keypair.window, le64(named.p.data + TRANSPORT_COUNTER)):
        return REPLAYED
    _roam(peer, endpoint_at(batch.arena, named.p.endpoint))
    peer.rx_bytes += named.p.len
    if keypair == peer.next:
        keypairs_confirm(at, peer)
        wants_add(at, peer, CONFIRMED)
    if keypair.initiator and not keypair.renewed and keypairs_age_ns(keypair, now_ns) > (
        at.limits.reject_ns - at.limits.keepalive_ns - at.limits.retry_ns
    ):
        keypair.renewed = True
        wants_add(at, peer, WANT_HANDSHAKE)
    timing_received(at, peer, now_ns, holds)
    return 0


cdef inline uint32_t _inner(const uint8_t *ip, uint32_t size) noexcept nogil:
    """Bytes of the packet without its padding, by its own header; 0 where that cannot be."""
    cdef uint32_t length
    if ip[0] >> 4 == 4 and size >= IP4_SIZE:
        length = be16(ip + IP4_LENGTH)
        return length if IP4_SIZE <= length <= size else 0
    if ip[0] >> 4 == 6 and size >= IP6_SIZE:
        length = <uint32_t> IP6_SIZE + be16(ip + IP6_LENGTH)
        return length if length <= size else 0
    return 0


cdef inline void _deliver(
    const interface_t *at, const batch_t *batch, const peer_t *peer, packet_t *p, uint32_t size
) noexcept nogil:
    """The packet inside goes to the overlay, if the peer may send it."""
    cdef uint8_t *ip = p.data + <uint32_t> TRANSPORT_FRONT
    cdef uint8_t version = ip[0] >> 4
    cdef uint8_t tos = endpoint_at(batch.arena, p.endpoint).tos
    cdef uint32_t length = _inner(ip, size)
    cdef uint16_t reason
    if length == 0:
        packet_drop(p, BAD_LENGTH)
        return
    if lpm_find(at.routes, ip + (IP4_SOURCE if version == 4 else IP6_SOURCE), version) != peer.slot:
        packet_drop(p, WRONG_SOURCE)
        return
    p.data = ip
    p.headroom += <uint16_t> TRANSPORT_FRONT
    p.tailroom += p.len - <uint32_t> TRANSPORT_FRONT - length
    p.len = length
    p.medium = IP
    p.endpoint = 0
    reason = parse_packet(p)
    if reason:
        packet_drop(p, reason)
        return
    ecn_decap(p, tos)
    p.egress = OVERLAY


cdef void _opened(
    interface_t *at, batch_t *batch, named_t *named, const aead_job_t *job, uint64_t now_ns
) noexcept nogil:
    """After the attempt to open ``named``."""
    cdef uint16_t reason = BAD_TAG
    if job.good:
        reason = _accept(at, batch, named, job.size != 0, now_ns)
    if reason:
        packet_drop(named.p, reason)
    elif job.size == 0:
        named.p.egress = CONSUMED
    else:
        _deliver(at, batch, named.peer, named.p, job.size)


cdef void _open(
    interface_t *at, batch_t *batch, named_t *named, aead_job_t *jobs, uint32_t count, uint64_t now_ns
) noexcept nogil:
    cdef uint32_t i
    aead_open(at.aead, jobs, count)
    for i in range(count):
        _opened(at, batch, &named[i], &jobs[i], now_ns)


cdef inline bint _job(
    interface_t *at, batch_t *batch, packet_t *p, uint64_t now_ns, named_t *named, aead_job_t *job
) noexcept nogil:
    """True where ``job`` is to be done; else the message is dropped."""
    cdef uint16_t reason = 0
    if not _name(at, p, now_ns, named, &reason) or not packet_own(batch.arena, p):
        packet_drop(p, reason if reason else NO_ROOM)
        return False
    named.p = p
    job.key = named.keypair.receive_key
    job.counter = le64(p.data + TRANSPORT_COUNTER)
    job.text = p.data + <uint32_t> TRANSPORT_FRONT
    job.size = p.len - <uint32_t> TRANSPORT_FRONT - <uint32_t> AEAD_TAG
    return True


cdef void opening_batch(interface_t *at, batch_t *batch, uint32_t end, uint64_t now_ns) noexcept nogil:
    """Decide about the packets before ``end`` that came from the underlay."""
    cdef aead_job_t[JOBS] jobs
    cdef named_t[JOBS] named
    cdef uint32_t count = 0, i
    cdef packet_t *p
    for i in range(end):
        p = &batch.packets[i]
        if p.ingress == OVERLAY:
            continue
        if not at.up or p.medium != DATAGRAM or p.endpoint == 0:
            packet_drop(p, WRONG_MEDIUM if at.up else LINK_DOWN)
        elif p.len >= 4 and le32(p.data) == TYPE_TRANSPORT:
            count += _job(at, batch, p, now_ns, &named[count], &jobs[count])
            if count == JOBS:
                _open(at, batch, named, jobs, count, now_ns)
                count = 0
    _open(at, batch, named, jobs, count, now_ns)
    for i in range(end):
        p = &batch.packets[i]
        if p.ingress != OVERLAY and p.egress == DROP and p.reason == UNCLAIMED:
            intake_message(at, batch, i, now_ns)
