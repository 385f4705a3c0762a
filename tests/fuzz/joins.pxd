"""Streams for the coalescer: good segments of a few flows, some of them mutated, each in bytes of its own."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memset

from tunnel.arena cimport arena_rewind
from tunnel.batch cimport batch_append, batch_emit, batch_t
from tunnel.offload.claim cimport claim_check
from tunnel.offload.coalesce cimport coalesce_batch
from tunnel.offload.fit cimport fit_batch
from tunnel.packet cimport NEEDS_CSUM, packet_lay, packet_segments, packet_t
from tunnel.parse cimport parse_batch, parse_packet
from tunnel.wire cimport PROTO_TCP, csum_fold, csum_pseudo, put16

from cases cimport LARGEST, case_mutate, case_random, case_t

cdef enum:
    STREAM = 64               # packets of a round
    ACK_PSH = 0x18

ctypedef struct stream_t:
    packet_t before[STREAM]
    bint found[STREAM]
    uint8_t *rooms[STREAM]
    uint32_t count


cdef inline void _whole(case_t *c, batch_t *batch) noexcept:
    """A super-packet of one seed with segments of any size, its pseudo-header's sum right."""
    cdef packet_t *p = batch_emit(batch, c.size)
    cdef bint tcp = c.shape.proto == PROTO_TCP
    memcpy(p.data, c.data, c.size)
    p.medium = c.shape.medium
    p.gso_type = c.shape.gso_type
    p.gso_size = <uint16_t> (30 + case_random(c, 700))
    p.vnet_flags = NEEDS_CSUM
    p.csum_start = c.shape.l4
    p.csum_offset = 16 if tcp else 6
    if tcp:
        p.data[c.shape.l4 + 13] = ACK_PSH
    put16(
        p.data + c.shape.l4 + p.csum_offset,
        csum_fold(csum_pseudo(p.data + c.shape.l3, c.shape.proto, c.size - c.shape.l4)),
    )
    p.reason = parse_packet(p)


cdef inline void _lay_segment(stream_t *stream, case_t *c, const packet_t *p, batch_t *batch) noexcept:
    """A segment, one in six of them mutated, in bytes of exactly its length."""
    cdef packet_t *copy = batch_append(batch)
    cdef uint8_t *room
    memcpy(c.data, p.data, p.len)
    c.size = p.len
    c.shape = p[0]
    if case_random(c, 6) == 0:
        case_mutate(c)
    room = <uint8_t *> malloc(c.size)
    memcpy(room, c.data, c.size)
    packet_lay(copy, room, 0, c.size, 0)
    copy.medium = p.medium
    copy.flags = 0
    stream.rooms[stream.count] = room
    stream.count += 1


cdef inline void _level(packet_t *p) noexcept:
    """What coalescing may change: the identification where DF is set, and with it the header's checksum."""
    if p.ip_version == 4 and p.data[p.l3 + 6] & 0x40:
        memset(p.data + p.l3 + 4, 0, 2)
        memset(p.data + p.l3 + 10, 0, 2)


cdef inline int _match(stream_t *stream, packet_t *p) except -1:
    """The packet is one of those before, which is crossed out."""
    cdef uint32_t i
    _level(p)
    for i in range(stream.count):
        if not stream.found[i] and stream.before[i].len == p.len:
            _level(&stream.before[i])
            if memcmp(stream.before[i].data, p.data, p.len) == 0:
                stream.found[i] = True
                return 0
    raise AssertionError("a packet came out of coalescing that did not go in")


cdef inline int _compare(stream_t *stream, batch_t *batch, batch_t *cut) except -1:
    cdef uint32_t i, total = 0
    for i in range(batch.count):
        total += packet_segments(&batch.packets[i])
        assert batch.packets[i].reason or claim_check(&batch.packets[i]) == 0, "a joined packet's header lies"
    assert total == stream.count, "packets were lost or made up by joining"
    cut.count = 0
    assert fit_batch(batch, cut, 0) == batch.count, "packets were left behind"
    assert cut.count == stream.count, "a joined packet is not cut into what it was made of"
    for i in range(cut.count):
        _match(stream, &cut.packets[i])
    return 0


cdef inline uint32_t joins_run(case_t *c, const case_t *seeds, uint32_t count, batch_t *batch, batch_t *cut) except? 0:
    """One stream through coalescing and back; how many packets were joined, and one."""
    cdef stream_t stream
    cdef uint32_t i, first, left
    memset(&stream, 0, sizeof(stream))
    batch.count = cut.count = 0
    for _ in range(1 + case_random(c, 3)):
        first = case_random(c, count)
        while not seeds[first].shape.gso_type:
            first = (first + 1) % count
        memcpy(c, &seeds[first], sizeof(case_t) - sizeof(c.state))
        _whole(c, batch)
    fit_batch(batch, cut, 0)
    batch.count = 0
    left = min(cut.count, <uint32_t> STREAM)
    for i in range(left):
        first = i ^ 1 if case_random(c, 8) == 0 and (i ^ 1) < left else i
        _lay_segment(&stream, c, &cut.packets[first], batch)
    parse_batch(batch)
    memcpy(stream.before, batch.packets, stream.count * sizeof(packet_t))
    coalesce_batch(batch, case_random(c, 2) * 0x67 | 0x07)
    left = stream.count - batch.count
    try:
        _compare(&stream, batch, cut)
    finally:
        for i in range(stream.count):
            free(stream.rooms[i])
        arena_rewind(batch.arena)
    return left + 1
