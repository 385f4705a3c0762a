"""Makes wrong messages of good ones and puts them into a WireGuard handler, each in bytes of its own.

    Impostor.run    rounds of up to 64 cases; case N of a seed number is always the same message
        _make       a genuine message, up to four mutations; whatever is left of its being genuine is undone
        _stamp      half of what looks like a handshake knows our public key, an eighth a cookie too
        _lay        malloc of exactly the message's length: the sanitizer sees one byte too far
        _process    dropped for a reason, or kept for Python to look at; answered by cookies at most
        victim      copies, on the real data path: nothing of any session may change; now and then nobody
                    looks at what waits for 256 rounds
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from tunnel.arena cimport arena_rewind
from tunnel.batch cimport Batch, batch_append, batch_emit, batch_t
from tunnel.crypto.blake2s cimport blake2s_keyed, blake2s_keyed_free, blake2s_mac, blake2s_mac_by
from tunnel.endpoint cimport AF_INET, AF_INET6, endpoint_at, endpoint_new, endpoint_t
from tunnel.handler cimport Handler
from tunnel.packet cimport CONSUMED, DATAGRAM, DROP, packet_lay, packet_t
from tunnel.parse cimport parse_packet
from tunnel.protocols.wireguard.cookie cimport checker_t
from tunnel.protocols.wireguard.state cimport InterfaceState
from tunnel.wire cimport put16

from forgeries cimport LARGEST, MUTATIONS, below, forgery_differ, forgery_mutate, forgery_t, genuine_t
from rounds cimport ROUND, rounds_begin, rounds_counted, rounds_next, rounds_seed

from tunnel import reasons

cdef enum:
    INDICES = 16
    UNDERLAY = 1              # the handler's port
    COOKIE_REPLY = 3
    COOKIE_REPLY_SIZE = 64

NAMES = ("bit", "kind", "cut", "grow", "length", "index", "counter", "splice", "field", "noise")
assert len(NAMES) == MUTATIONS

cdef uint16_t UNDER_LOAD = reasons.UNDER_LOAD


cdef class Impostor:
    """Runs mutated messages. ``victim`` is called with a batch of them after each round."""

    cdef genuine_t *genuine
    cdef uint32_t genuine_count
    cdef uint32_t fresh_count         # the first ones, which have not been delivered
    cdef uint32_t indices[INDICES]
    cdef uint32_t index_count
    cdef void *mac1                   # keyed by the victim's public key
    cdef uint8_t *rooms[ROUND]
    cdef Batch cases, copies
    cdef Handler handler
    cdef InterfaceState interface
    cdef object victim
    cdef uint64_t by_reason[256]
    cdef uint64_t by_mutation[MUTATIONS]
    cdef readonly uint64_t queued     # left to Python, by the direct way
    cdef readonly uint64_t replies    # cookies handed out there

    def __init__(self, list genuine, uint64_t seed, victim):
        rounds_begin(b"messages", seed)
        self.genuine_count = <uint32_t> len(genuine)
        self.genuine = <genuine_t *> calloc(self.genuine_count, sizeof(genuine_t))
        for i, found in enumerate(sorted(genuine, key=lambda found: found.used)):
            _read(&self.genuine[i], found.data)
            self.fresh_count += not found.used
        self.index_count = <uint32_t> len(victim.indices)
        for i in range(self.index_count):
            self.indices[i] = victim.indices[i]
        self.mac1 = blake2s_keyed(<bytes> victim.mac1_key, 32)
        self.cases, self.copies = Batch(), Batch()
        self.handler, self.interface, self.victim = victim.handler, victim.handler.interface, victim

    def __dealloc__(self):
        blake2s_keyed_free(self.mac1)
        free(self.genuine)

    @property
    def reasons(self):
        """Cases by what native code said to them."""
        return rounds_counted(reasons.known(), self.by_reason)

    @property
    def mutations(self):
        """How often each mutation was applied."""
        return dict(zip(NAMES, self.by_mutation, strict=True))

    def run(self, uint64_t first, uint64_t count):
        """Cases ``first`` up to ``first + count``. Raises ``AssertionError`` where an invariant breaks."""
        cdef uint64_t at, end = first + count
        for at in range(first, end, ROUND):
            _round(self, at, rounds_next(at, end))


def rewind(InterfaceState interface not None):
    """The first peer's session counts from 0 again: what must never be, and what the sanitized build aborts at."""
    interface.c.peers[0].current.sent = 0


cdef int _read(genuine_t *g, bytes data) except -1:
    """A genuine message, and where it may not be changed: the sender's index is nobody's, the macs anybody's."""
    assert len(data) <= LARGEST
    memcpy(g.data, <const char *> data, len(data))
    g.size = <uint32_t> len(data)
    g.first, g.end = 8, g.size
    if data[0] == 4:
        g.first = 4           # an index leads to one session
    elif data[0] != COOKIE_REPLY:
        g.end = g.size - 32
    return 0


cdef int _round(Impostor impostor, uint64_t first, uint32_t count) except -1:
    cdef forgery_t f
    cdef endpoint_t source
    cdef uint32_t i
    for i in range(count):
        _make(impostor, &f, first + i)
        _source(&f, &source)
        _stamp(impostor, &f, &source)
        impostor.rooms[i] = _lay(&impostor.cases.c, &f, &source)
        _copy(&impostor.copies.c, &f, &source)
    try:
        _process(impostor, count)
        impostor.victim(impostor.copies, below(&f, 4) == 0 and first // 16384 % 4 != 3)
    except AssertionError as error:
        again = f"again with --of messages --seed {rounds_seed} --first {first} --count 64"
        raise AssertionError(f"{error}: {again}") from error
    for i in range(count):
        free(impostor.rooms[i])
    impostor.cases.c.count = 0
    arena_rewind(impostor.cases.c.arena)
    impostor.copies.clear()
    return 0


cdef void _make(Impostor impostor, forgery_t *f, uint64_t number) noexcept:
    cdef const genuine_t *chosen
    cdef uint32_t _i, wanted
    f.state = (rounds_seed << 40) ^ (number * 8)
    chosen = &impostor.genuine[below(f, impostor.genuine_count)]
    memcpy(f.data, chosen.data, LARGEST)
    f.size = chosen.size
    wanted = below(f, 5)
    for _i in range(wanted):
        impostor.by_mutation[forgery_mutate(
            f, &impostor.genuine[below(f, impostor.genuine_count)], impostor.indices, impostor.index_count,
        )] += 1
    forgery_differ(f, impostor.genuine, impostor.fresh_count)


cdef void _source(forgery_t *f, endpoint_t *source) noexcept:
    """The first peer's address, one of a few strangers', or anybody's; of either family."""
    cdef uint32_t kind = below(f, 4)
    cdef uint16_t family = AF_INET6 if kind == 3 else AF_INET
    memset(source, 0, sizeof(endpoint_t))
    source.size = 28 if kind == 3 else 16
    memcpy(source.name, &family, 2)
    put16(source.name + 2, 51820)
    if kind == 3:
        memcpy(source.name + 8, b"\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7", 16)
        source.name[8 + below(f, 16)] = <uint8_t> below(f, 256)
    else:
        memcpy(source.name + 4, b"\xc0\0\2\2", 4)
        if kind == 1:
            source.name[7] = <uint8_t> below(f, 8)
        elif kind == 2:
            put16(source.name + 5, <uint16_t> below(f, 65536))


cdef void _stamp(Impostor impostor, forgery_t *f, const endpoint_t *source) noexcept:
    """The macs: of an eighth both, of three eighths the first."""
    cdef uint32_t chance = below(f, 8), at = 4 if source.size == 16 else 16
    cdef checker_t *checker = impostor.interface.c.checker
    cdef uint8_t[18] who
    cdef uint8_t[16] cookie
    if chance > 3 or not ((f.size == 148 and f.data[0] == 1) or (f.size == 92 and f.data[0] == 2)):
        return
    blake2s_mac_by(impostor.mac1, f.data, f.size - 32, &f.data[f.size - 32])
    if chance or not checker.has_secret:
        return
    memcpy(who, &source.name[4 if at == 4 else 8], at)
    memcpy(&who[at], &source.name[2], 2)
    blake2s_mac(checker.secret, 32, who, at + 2, cookie)
    blake2s_mac(cookie, 16, f.data, f.size - 16, &f.data[f.size - 16])


cdef void _as_datagram(batch_t *batch, packet_t *p, const endpoint_t *source) noexcept:
    p.medium = DATAGRAM
    p.ingress = UNDERLAY
    p.egress, p.reason, p.flags = DROP, 0, 0
    p.endpoint = endpoint_new(batch.arena)
    endpoint_at(batch.arena, p.endpoint)[0] = source[0]
    parse_packet(p)


cdef uint8_t *_lay(batch_t *batch, const forgery_t *f, const endpoint_t *source) noexcept:
    """The case in bytes of exactly its length; returns them."""
    cdef uint8_t *room = <uint8_t *> malloc(f.size)
    cdef packet_t *p = batch_append(batch)
    memcpy(room, f.data, f.size)
    packet_lay(p, room, 0, f.size, 0)
    _as_datagram(batch, p, source)
    return room


cdef void _copy(batch_t *batch, const forgery_t *f, const endpoint_t *source) noexcept:
    """The case in a batch's arena."""
    cdef packet_t *p = batch_emit(batch, f.size)
    memcpy(p.data, f.data, f.size)
    _as_datagram(batch, p, source)


cdef int _process(Impostor impostor, uint32_t count) except -1:
    """Through the handler in place, beside the plan: its queue is the same."""
    cdef batch_t *batch = &impostor.cases.c
    cdef packet_t *p
    cdef uint32_t i, asked = 0
    batch.now_ns = impostor.victim.now_ns
    impostor.handler.c_process(batch)
    for i in range(count):
        p = &batch.packets[i]
        assert p.egress == CONSUMED or (p.egress == DROP and p.reason), f"{p.data[:p.len].hex()} went to {p.egress:#x}"
        impostor.by_reason[p.reason] += p.egress == DROP
        impostor.queued += p.egress == CONSUMED
        asked += p.reason == UNDER_LOAD
    for i in range(count, batch.count):
        p = &batch.packets[i]
        assert p.egress == UNDERLAY and p.len == COOKIE_REPLY_SIZE and p.data[0] == COOKIE_REPLY, "an answer"
    assert batch.count - count <= asked, "more cookies than were due"
    impostor.replies += batch.count - count
    return 0
