"""Makes wrong packets of good ones and puts them through the engine, each in bytes of its own.

    Fuzzer.run      rounds of up to 64 cases; case N of a seed number is always the same packet
        _make       a seed, up to four mutations
        _lay        malloc of exactly the packet's length: the sanitizer sees one byte too far
        _parse      twice, which must agree; offsets must lie inside
        _fit        as many wire packets behind it as before; plain ones must parse again
        _handle     a native handler on those bytes
        joins_run   a stream of segments through coalescing, and cut again
        graph       copies, by medium, through a graph on the real data path
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset

from tunnel.arena cimport arena_rewind
from tunnel.batch cimport Batch, batch_append, batch_emit, batch_t
from tunnel.endpoint cimport AF_INET, endpoint_at, endpoint_new, endpoint_t
from tunnel.handler cimport Handler
from tunnel.offload.claim cimport claim_needs
from tunnel.offload.fit cimport fit_batch
from tunnel.packet cimport (
    ABSENT, CONSUMED, DATAGRAM, DROP, EMITTED, ETHERNET, F_ALL, SHARED, packet_lay, packet_segments, packet_t,
)
from tunnel.parse cimport parse_batch, parse_packet
from tunnel.wire cimport put16

from cases cimport LARGEST, MUTATIONS, case_mutate, case_random, case_t
from joins cimport joins_run
from rounds cimport ROUND, rounds_begin, rounds_counted, rounds_next, rounds_seed

from tunnel import reasons

cdef enum:
    PORT = 9000               # of the datagrams' sender

NAMES = ("byte", "word", "cut", "grow", "lengths", "tags", "chain", "fragment", "proto", "virtio", "medium")
assert len(NAMES) == MUTATIONS


cdef class Fuzzer:
    """Runs mutated packets. ``graph`` is called with three batches, by medium, after each round."""

    cdef case_t *seeds
    cdef uint32_t seed_count
    cdef uint8_t *rooms[ROUND]
    cdef Batch cases, fitted, stream, segments
    cdef list copies
    cdef Handler handler
    cdef object graph
    cdef uint64_t by_reason[256]
    cdef uint64_t by_proto[256]
    cdef uint64_t by_mutation[MUTATIONS]
    cdef readonly uint64_t supers     # super-packets that were cut
    cdef readonly uint64_t joined     # packets that went into super-packets
    cdef readonly uint64_t answered   # packets that the handler sent back

    def __init__(self, list seeds, uint64_t seed, Handler handler, graph):
        rounds_begin(b"packets", seed)
        self.seed_count = <uint32_t> len(seeds)
        self.seeds = <case_t *> calloc(self.seed_count, sizeof(case_t))
        for i, found in enumerate(seeds):
            _read(&self.seeds[i], found)
        self.cases = Batch()
        self.fitted = Batch(self.cases.arena)
        self.stream = Batch()
        self.segments = Batch(self.stream.arena)
        self.copies = [Batch(), Batch(), Batch()]
        self.handler = handler
        self.graph = graph

    def __dealloc__(self):
        free(self.seeds)

    @property
    def reasons(self):
        """Cases by the parser's verdict; UNCLAIMED are the good ones."""
        return rounds_counted(reasons.known(), self.by_reason)

    @property
    def protocols(self):
        """Good cases by IP protocol number; 0 also for what is no IP."""
        return {i: self.by_proto[i] for i in range(256) if self.by_proto[i]}

    @property
    def mutations(self):
        """How often each mutation was applied."""
        return dict(zip(NAMES, self.by_mutation, strict=True))

    def run(self, uint64_t first, uint64_t count):
        """Cases ``first`` up to ``first + count``. Raises ``AssertionError`` where an invariant breaks."""
        cdef uint64_t at, end = first + count
        for at in range(first, end, ROUND):
            _round(self, at, rounds_next(at, end))


cdef int _read(case_t *c, found) except -1:
    """A seed: its bytes, and its shape as the parser sees it."""
    cdef bytes data = found.data
    assert len(data) <= LARGEST
    memcpy(c.data, <const char *> data, len(data))
    packet_lay(&c.shape, c.data, 0, <uint32_t> len(data), 0)
    c.size = <uint32_t> len(data)
    c.shape.medium = found.medium
    c.shape.gso_type = found.gso_type
    c.shape.gso_size = found.gso_size
    c.shape.csum_start = found.csum_start
    c.shape.csum_offset = found.csum_offset
    c.shape.vnet_flags = found.needs_csum
    reason = parse_packet(&c.shape)
    assert reason == 0, f"a seed is {reasons.name(reason)}: {data.hex()}"
    return 0


cdef int _round(Fuzzer fuzzer, uint64_t first, uint32_t count) except -1:
    cdef case_t c
    cdef Batch copies
    cdef uint32_t i
    for i in range(count):
        _make(fuzzer, &c, first + i)
        fuzzer.rooms[i] = _lay(&fuzzer.cases.c, &c)
        copies = fuzzer.copies[c.shape.medium - ETHERNET]
        _copy(&copies.c, &c)
    try:
        _parse(fuzzer)
        _fit(fuzzer, case_random(&c, F_ALL + 1) & F_ALL)
        _handle(fuzzer)
        fuzzer.joined += joins_run(&c, fuzzer.seeds, fuzzer.seed_count, &fuzzer.stream.c, &fuzzer.segments.c) - 1
    except AssertionError as error:
        again = f"again with --of packets --seed {rounds_seed} --first {first} --count 64"
        raise AssertionError(f"{error}: {again}") from error
    for i in range(count):
        free(fuzzer.rooms[i])
    fuzzer.cases.c.count = fuzzer.fitted.c.count = 0
    arena_rewind(fuzzer.cases.c.arena)
    fuzzer.graph(*fuzzer.copies)
    for copies in fuzzer.copies:
        copies.clear()
    return 0


cdef void _make(Fuzzer fuzzer, case_t *c, uint64_t number) noexcept:
    cdef uint32_t _i, wanted
    c.state = (rounds_seed << 40) ^ (number * 8)
    memcpy(c, &fuzzer.seeds[case_random(c, fuzzer.seed_count)], sizeof(case_t) - sizeof(uint64_t))
    wanted = case_random(c, 5)
    for _i in range(wanted):
        fuzzer.by_mutation[case_mutate(c)] += 1


cdef void _shape(packet_t *p, const case_t *c) noexcept:
    p.medium = c.shape.medium
    p.gso_type = c.shape.gso_type
    p.gso_size = c.shape.gso_size
    p.csum_start = c.shape.csum_start
    p.csum_offset = c.shape.csum_offset
    p.vnet_flags = c.shape.vnet_flags


cdef uint8_t *_lay(batch_t *batch, case_t *c) noexcept:
    """The case in bytes of exactly its length; returns them."""
    cdef uint8_t *room = <uint8_t *> malloc(c.size)
    cdef packet_t *p = batch_append(batch)
    memcpy(room, c.data, c.size)
    packet_lay(p, room, 0, c.size, 0)
    p.flags = <uint8_t> (SHARED * (case_random(c, 4) == 0) | EMITTED * case_random(c, 2))
    p.ingress = 0
    _shape(p, c)
    return room


cdef void _copy(batch_t *batch, const case_t *c) noexcept:
    """The case in a batch's arena, from 192.0.2.2:9000 where it is a datagram."""
    cdef packet_t *p = batch_emit(batch, c.size)
    cdef endpoint_t *end
    cdef uint16_t family = AF_INET
    memcpy(p.data, c.data, c.size)
    p.flags = 0
    _shape(p, c)
    if p.medium == DATAGRAM:
        p.gso_type = p.vnet_flags = 0  # no device brings such
        p.endpoint = endpoint_new(batch.arena)
        end = endpoint_at(batch.arena, p.endpoint)
        memset(end, 0, sizeof(endpoint_t))
        memcpy(end.name, &family, 2)
        put16(end.name + 2, PORT)
        memcpy(end.name + 4, b"\xc0\0\2\2", 4)
        end.size = 16


cdef int _inside(const packet_t *p) except -1:
    """What a good packet's offsets promise to everyone who reads headers by them."""
    cdef uint32_t header = 20 if p.ip_version == 4 else 40
    if p.ip_version:
        assert p.l3 + header <= p.len and p.data[p.l3] >> 4 == p.ip_version, "the IP header is not where l3 says"
    assert p.payload <= p.len, "the payload begins behind the packet"
    if p.l4 != ABSENT:
        assert p.l3 + header <= p.l4 <= p.len, "the L4 header is not inside"
        assert p.proto not in (6, 17, 132, 136) or p.l4 + <uint32_t> 4 <= p.len, "the ports are not inside"
    return 0


cdef int _parse(Fuzzer fuzzer) except -1:
    cdef batch_t *batch = &fuzzer.cases.c
    cdef packet_t before
    cdef packet_t *p
    cdef uint32_t i
    parse_batch(batch)
    for i in range(batch.count):
        p = &batch.packets[i]
        fuzzer.by_reason[p.reason] += 1
        before = p[0]
        assert parse_packet(p) == before.reason, "parsed twice, two reasons"
        assert memcmp(&before, p, sizeof(packet_t)) == 0, "parsed twice, two results"
        if p.reason:
            assert p.l3 == ABSENT and p.l4 == ABSENT and p.egress == DROP, "a bad packet has headers"
            continue
        fuzzer.by_proto[p.proto] += 1
        _inside(p)
    return 0


cdef uint64_t _wire_packets(const batch_t *batch) noexcept:
    cdef uint64_t total = 0
    cdef uint32_t i
    for i in range(batch.count):
        total += packet_segments(&batch.packets[i])
    return total


cdef int _fit(Fuzzer fuzzer, uint32_t accepts) except -1:
    cdef batch_t *out = &fuzzer.fitted.c
    cdef packet_t *p
    cdef uint32_t i
    out.count = 0
    assert fit_batch(&fuzzer.cases.c, out, accepts) == fuzzer.cases.c.count, "packets were left behind"
    assert _wire_packets(&fuzzer.cases.c) == _wire_packets(out), "packets were lost or made up"
    fuzzer.supers += out.count - fuzzer.cases.c.count
    for i in range(out.count):
        p = &out.packets[i]
        if p.reason == 0:
            assert claim_needs(p) & ~accepts == 0, "it carries more than is accepted"
            assert parse_packet(p) == 0, f"it does not parse any more ({reasons.name(parse_packet(p))})"
            _inside(p)
    return 0


cdef int _handle(Fuzzer fuzzer) except -1:
    """Good packets, made to fit, through the handler in place."""
    cdef batch_t *batch = &fuzzer.fitted.c
    cdef packet_t *p
    cdef uint32_t i, kept = 0
    batch.count = 0
    fit_batch(&fuzzer.cases.c, batch, fuzzer.handler.accepts)
    for i in range(batch.count):
        if batch.packets[i].reason == 0:
            batch.packets[kept] = batch.packets[i]
            kept += 1
    batch.count = kept
    fuzzer.handler.c_process(batch)
    for i in range(batch.count):
        p = &batch.packets[i]
        assert p.egress < len(fuzzer.handler.ports) or p.egress >= CONSUMED, "it leaves by no port"
        if p.egress < CONSUMED:
            fuzzer.answered += 1
            assert parse_packet(p) == 0, "an answer does not parse"
    return 0
