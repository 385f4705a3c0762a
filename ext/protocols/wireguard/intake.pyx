"""Handshake messages are turned away, answered by a cookie, or put into the queue that Python serves.

    intake_message
        _wanted     exact length; a response or cookie reply must name an index that we gave out
        mac1        who does not know our public key gets no further, and no answer (section 5.3)
        _admit      128 wait, or did in the last second: only with a valid cookie, and not too often
        _queue      at most 1,024
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from tunnel.address cimport address_map
from tunnel.batch cimport batch_emit
from tunnel.endpoint cimport endpoint_at, endpoint_new, endpoint_t
from tunnel.packet cimport CONSUMED, DATAGRAM, packet_drop, packet_t
from tunnel.parse cimport parse_packet
from tunnel.protocols.wireguard.cookie cimport checker_mac1, checker_mac2, checker_reply
from tunnel.protocols.wireguard.layout cimport (
    COOKIE_RECEIVER, COOKIE_REPLY_SIZE, INITIATION_SIZE, RESPONSE_RECEIVER, RESPONSE_SIZE, TYPE_COOKIE,
    TYPE_INITIATION, TYPE_RESPONSE,
)
from tunnel.protocols.wireguard.state cimport PENDING_MAX, pending_t
from tunnel.tables.buckets cimport buckets_t, buckets_take
from tunnel.tables.indices cimport indices_find
from tunnel.wire cimport le32

from tunnel import reasons

cdef uint16_t BAD_MESSAGE = reasons.BAD_MESSAGE
cdef uint16_t BAD_MAC = reasons.BAD_MAC
cdef uint16_t HANDSHAKES_FULL = reasons.HANDSHAKES_FULL
cdef uint16_t NO_SESSION = reasons.NO_SESSION
cdef uint16_t RATE = reasons.RATE
cdef uint16_t UNDER_LOAD = reasons.UNDER_LOAD

cdef enum:
    UNDERLAY = 1              # the handler's port
    LOADED_AT = 128           # messages waiting: PENDING_MAX / 8
    SOURCE_MAX = 18           # address and port, for the cookie

cdef uint64_t LOADED_FOR_NS = 1_000_000_000
cdef uint64_t REPLY_NS = 500_000          # 2,000 cookie replies a second
cdef uint64_t REPLY_DEPTH_NS = 50_000_000  # 100 of them at once


cdef inline uint16_t _wanted(const interface_t *at, const packet_t *p) noexcept nogil:
    """0, or why it is no handshake message, or none that we wait for."""
    cdef uint32_t kind = le32(p.data) if p.len >= 4 else 0
    if kind == TYPE_INITIATION and p.len == INITIATION_SIZE:
        return 0
    if kind == TYPE_RESPONSE and p.len == RESPONSE_SIZE:
        return 0 if indices_find(at.indices, le32(p.data + RESPONSE_RECEIVER)) != NULL else NO_SESSION
    if kind == TYPE_COOKIE and p.len == COOKIE_REPLY_SIZE:
        return 0 if indices_find(at.indices, le32(p.data + COOKIE_RECEIVER)) != NULL else NO_SESSION
    return BAD_MESSAGE


cdef inline bint _under_load(interface_t *at, uint64_t now_ns) noexcept nogil:
    if at.waiting >= LOADED_AT:
        at.loaded_ns = now_ns + LOADED_FOR_NS
    return now_ns < at.loaded_ns


cdef uint32_t _source(const endpoint_t *sender, uint8_t *source) noexcept nogil:
    """Address and port as a cookie is bound to them; how many bytes that is."""
    cdef uint32_t size = 4 if sender.size == 16 else 16
    memcpy(source, &sender.name[4 if size == 4 else 8], size)
    memcpy(source + size, &sender.name[2], 2)
    return size + 2


cdef bint _spend(buckets_t *buckets, const uint8_t *source, uint32_t size, uint64_t now_ns) noexcept nogil:
    """A token of the sender's: an IPv4 address, or 64 bits of an IPv6 one, has 20 a second, 5 at once."""
    cdef uint8_t[16] who
    address_map(who, source, 4 if size == 6 else 6)
    if size != 6:
        memset(&who[8], 0, 8)
    return buckets_take(buckets, who, now_ns, 1)


cdef bint _may_reply(interface_t *at, uint64_t now_ns) noexcept nogil:
    if at.replied_ns < now_ns:
        at.replied_ns = now_ns
    if at.replied_ns - now_ns > REPLY_DEPTH_NS:
        return False
    at.replied_ns += REPLY_NS
    return True


cdef void _reply(
    interface_t *at, batch_t *batch, uint32_t index, const uint8_t *source, uint32_t size, uint64_t now_ns
) noexcept nogil:
    """A cookie for the sender of message ``index``, smaller than what it sent."""
    cdef uint32_t endpoint = endpoint_new(batch.arena)
    cdef packet_t *reply = NULL if endpoint == 0 else batch_emit(batch, COOKIE_REPLY_SIZE)
    cdef packet_t *p = &batch.packets[index]
    if reply == NULL:
        return
    if not checker_reply(at.checker, p.data, p.len, source, size, NULL, now_ns, reply.data):
        batch.count -= 1      # no entropy
        return
    reply.medium = DATAGRAM
    parse_packet(reply)
    endpoint_at(batch.arena, endpoint)[0] = endpoint_at(batch.arena, p.endpoint)[0]
    endpoint_at(batch.arena, endpoint).tos = 0
    reply.endpoint = endpoint
    reply.egress = UNDERLAY


cdef uint16_t _admit(interface_t *at, batch_t *batch, uint32_t index, uint64_t now_ns) noexcept nogil:
    """Under load: 0 for who has shown that it receives at its address and does not ask too often.

    Cookies are counted by source too, apart: or one that floods would get all of them, and others none.
    """
    cdef packet_t *p = &batch.packets[index]
    cdef uint8_t[SOURCE_MAX] source
    cdef uint32_t size = _source(endpoint_at(batch.arena, p.endpoint), source)
    if checker_mac2(at.checker, p.data, p.len, source, size, now_ns):
        return 0 if _spend(at.sources, source, size, now_ns) else RATE
    if _spend(at.strangers, source, size, now_ns) and _may_reply(at, now_ns):
        _reply(at, batch, index, source, size, now_ns)
    return UNDER_LOAD


cdef void _queue(interface_t *at, const batch_t *batch, packet_t *p) noexcept nogil:
    cdef pending_t *entry
    if at.waiting == PENDING_MAX:
        packet_drop(p, HANDSHAKES_FULL)
        return
    entry = &at.pending[(at.oldest + at.waiting) % PENDING_MAX]
    entry.source = endpoint_at(batch.arena, p.endpoint)[0]
    entry.size = p.len
    memcpy(entry.message, p.data, p.len)
    at.waiting += 1
    p.egress = CONSUMED


cdef void intake_message(interface_t *at, batch_t *batch, uint32_t index, uint64_t now_ns) noexcept nogil:
    """Decide about packet ``index``, a datagram that is no transport message. May emit."""
    cdef packet_t *p = &batch.packets[index]
    cdef uint16_t reason = _wanted(at, p)
    if reason == 0 and p.len != COOKIE_REPLY_SIZE:
        if at.checker == NULL or not checker_mac1(at.checker, p.data, p.len):
            reason = BAD_MAC
        elif _under_load(at, now_ns):
            reason = _admit(at, batch, index, now_ns)
            p = &batch.packets[index]
    if reason:
        packet_drop(p, reason)
    else:
        _queue(at, batch, p)
