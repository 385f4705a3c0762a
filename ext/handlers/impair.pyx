"""A wire that delays, loses and damages. For each packet:

1. loss               the Gilbert model
2. duplication        a clone that goes the same way from here
3. corruption         one bit
4. rate               a line with a bounded queue before it
5. delay              with jitter, or overtaking the others
6. held until then    in a heap by time; ``tick`` lets it go
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from tunnel.arena cimport HEADROOM
from tunnel.batch cimport Batch, batch_clone, batch_t
from tunnel.handler cimport tally_add
from tunnel.hold cimport held_t, hold_copy, hold_drop, hold_free, hold_new, hold_put
from tunnel.packet cimport ABSENT, HELD, packet_drop, packet_own, packet_t
from tunnel.parse cimport parse_packet
from tunnel.rng cimport rng_below, rng_chance, rng_next

from tunnel import arguments, reasons
from tunnel.errors import ConfigError
from tunnel.handlers.options import ImpairOptions

cdef uint16_t LOST = reasons.LOST
cdef uint16_t QUEUE_FULL = reasons.QUEUE_FULL
cdef uint16_t HELD_FULL = reasons.HELD_FULL
cdef uint16_t NO_ROOM = reasons.NO_ROOM


cdef class Impair(Handler):
    """A wire that delays, loses and damages.

    Synopsis
        ``Impair(delay_ms=20, jitter_ms=2, loss_pct=1, back={"delay_ms": 5}, seed=7)``;
        links: ``"tap0 -- i.a"``, ``"i.b -- tap1"``

    Ports
        ``a``, ``b``    what enters by one leaves by the other, or not

    Options
        For both directions, or for ``a`` to ``b`` alone where the table ``back`` says what happens
        from ``b`` to ``a`` (it replaces the whole set: what it does not name is off there):

        ``delay_ms``         delay behind the line; default 0
        ``jitter_ms``        the delay varies evenly by up to so much either way, at most ``delay_ms``;
                             packets keep their order; default 0
        ``loss_pct``         percent of the packets lost, on the whole; default 0
        ``burst_pct``        percent of the losses that are followed by another (Gilbert model), at least
                             ``loss_pct``; 0 (default): losses do not depend on each other
        ``duplicate_pct``    percent doubled; the copy follows at once where a delay or a rate is set, else
                             behind the packets that came together with its original; default 0
        ``corrupt_pct``      percent in which one bit is flipped, from the network header on; default 0
        ``reorder_pct``      percent that skip the delay and so overtake others; needs ``delay_ms``;
                             default 0
        ``rate_mbit``        speed of the line in Mbit/s of the bytes seen here (no preamble, gap or
                             checksum of a real Ethernet); 0 (default) = no limit
        ``queue_kib``        KiB that may wait for the line, the packet being sent among them; the next
                             is dropped; default 256

        For both together:

        ``seed``        the same seed and packets give the same fate; default 0
        ``hold_kib``    KiB for all packets on their way; a packet takes about 500 bytes, 2,300 when it is
                        larger than 256 bytes, 66,000 when larger than 2,048; default 16,384

    Drop reasons
        LOST          by ``loss_pct``
        QUEUE_FULL    by ``queue_kib``
        HELD_FULL     by ``hold_kib``: more on their way than it has room for
        NO_ROOM       the batch had no room for a clone or for changed bytes

    Notes
        Takes no super-packets, so that each percentage and the rate are of packets on the wire. A
        packet is *held* from its arrival until it is due; on the way out nothing is changed. A
        corrupted packet whose headers make no sense any more goes on, known by its length alone.

        Not for several workers: the line, its queue and the sequence of ``seed`` are one.

    See also
        ``tunnel lab``, ``handlers.tee``
    """

    ports = ("a", "b")
    accepts = 0
    Options = ImpairOptions

    def __init__(self, **options):
        chosen = arguments.read("impair", ImpairOptions, options)
        if self.store != NULL:
            raise RuntimeError("Impair is configured once")
        self.store = hold_new(chosen.hold_kib * 1024)
        self.heap = <due_t *> calloc(self.store.limit // (sizeof(held_t) + HEADROOM), sizeof(due_t))
        if self.heap == NULL:
            raise MemoryError("a queue of delayed packets")
        set_way(&self.ways[0], chosen, "")
        set_way(&self.ways[1], chosen.back or chosen, "back." if chosen.back else "")
        self.ways[0].rng = (chosen.seed or 0) & <uint64_t> 0xffffffffffffffff
        self.ways[1].rng = rng_next(&self.ways[0].rng)

    def __dealloc__(self):
        hold_free(self.store)
        free(self.heap)

    cdef int c_process(self, batch_t *batch) except -1 nogil:
        cdef uint32_t count = batch.count, i
        cdef packet_t *copy
        cdef way_t *way
        for i in range(count):
            way = &self.ways[batch.packets[i].ingress & 1]
            if lost(way):
                packet_drop(&batch.packets[i], LOST)
                continue
            copy = NULL
            if rng_chance(&way.rng, way.duplicate):
                copy = batch_clone(batch, i)
                if copy == NULL:
                    tally_add(&self.counters.cloned, &batch.packets[i])
                    tally_add(&self.counters.drops[NO_ROOM], &batch.packets[i])
            forward(self, way, batch, &batch.packets[i])
            if copy != NULL:
                forward(self, way, batch, copy)
        return 0

    def tick(self, uint64_t now_ns, Batch batch not None):
        """Lets go what is due."""
        cdef packet_t *p
        while self.count and self.heap[0].ns <= now_ns:
            p = hold_copy(self.heap[0].held, &batch.c)
            if p == NULL:
                return now_ns
            hold_drop(self.store, self.heap[0].held)
            heap_pop(self)
        return self.heap[0].ns if self.count else 0


cdef int set_way(way_t *way, chosen, str where) except -1:
    """Options as thresholds and ns; raises ``ConfigError`` for those that do not go together."""
    if chosen.jitter_ms > chosen.delay_ms:
        raise ConfigError(f"impair: {where}jitter_ms: at most delay_ms = {chosen.delay_ms:g} was expected")
    if chosen.reorder_pct and not chosen.delay_ms:
        raise ConfigError(f"impair: {where}reorder_pct: needs delay_ms, since who overtakes skips the delay")
    if chosen.burst_pct and chosen.burst_pct < chosen.loss_pct:
        raise ConfigError(f"impair: {where}burst_pct: at least loss_pct = {chosen.loss_pct:g} was expected")
    memset(way, 0, sizeof(way_t))
    loss = chosen.loss_pct / 100
    stay = (chosen.burst_pct or chosen.loss_pct) / 100
    # stationary: loss = lose / (lose + 1 - stay)
    way.lose = threshold(loss * (1 - stay) / (1 - loss) if loss < 1 else 1)
    way.lose_on = threshold(stay if loss else 0)
    way.duplicate = threshold(chosen.duplicate_pct / 100)
    way.corrupt = threshold(chosen.corrupt_pct / 100)
    way.reorder = threshold(chosen.reorder_pct / 100)
    way.delay_ns = round(chosen.delay_ms * 1e6)
    way.jitter_ns = round(chosen.jitter_ms * 1e6)
    way.ns_per_byte = 8000 / chosen.rate_mbit if chosen.rate_mbit else 0
    way.queue = chosen.queue_kib * 1024
    return 0


cdef uint64_t threshold(double chance) noexcept:
    return <uint64_t> 0xffffffffffffffff if chance >= 1 else <uint64_t> (chance * 18446744073709551616.0)


cdef inline bint lost(way_t *way) noexcept nogil:
    way.losing = rng_chance(&way.rng, way.lose_on if way.losing else way.lose)
    return way.losing


cdef void forward(Impair self, way_t *way, batch_t *batch, packet_t *p) noexcept nogil:
    """Steps 3 to 6: out by the other port, now or later."""
    cdef uint16_t egress = p.ingress ^ 1
    cdef uint64_t due_ns = batch.now_ns
    cdef held_t *held
    if rng_chance(&way.rng, way.corrupt) and not corrupt(way, batch, p):
        packet_drop(p, NO_ROOM)
        return
    if way.ns_per_byte != 0 and not line_take(way, p.len, &due_ns):
        packet_drop(p, QUEUE_FULL)
        return
    due_ns = delayed(way, due_ns)
    if due_ns <= batch.now_ns:
        p.egress = egress
        return
    held = hold_put(self.store, batch, p)
    if held == NULL:
        packet_drop(p, HELD_FULL)
        return
    held.packet.egress = egress
    p.egress = HELD
    heap_push(self, due_ns, held)
    if self.deadline_ns == 0 or due_ns < self.deadline_ns:
        self.deadline_ns = due_ns


cdef bint corrupt(way_t *way, batch_t *batch, packet_t *p) noexcept nogil:
    """Flip one bit from the network header on; False where the arena is full."""
    cdef uint32_t start = 0 if p.l3 == ABSENT or p.l3 >= p.len else p.l3
    cdef uint64_t bit
    if p.len == 0:
        return True
    if not packet_own(batch.arena, p):
        return False
    bit = rng_below(&way.rng, <uint64_t> (p.len - start) * 8)
    p.data[start + bit // 8] ^= <uint8_t> (1 << (bit & 7))
    parse_packet(p)
    return True


cdef bint line_take(way_t *way, uint32_t size, uint64_t *now_ns) noexcept nogil:
    """Queue ``size`` bytes: ``now_ns`` becomes the time when they are sent; False where they do not fit."""
    cdef uint64_t start = max(way.free_ns, now_ns[0])
    if start > now_ns[0] and (start - now_ns[0]) / way.ns_per_byte + size > way.queue:
        return False
    way.free_ns = start + <uint64_t> (size * way.ns_per_byte + 0.5)
    now_ns[0] = way.free_ns
    return True


cdef uint64_t delayed(way_t *way, uint64_t sent_ns) noexcept nogil:
    """When a packet that the line has sent at ``sent_ns`` arrives."""
    cdef int64_t jitter = 0
    if rng_chance(&way.rng, way.reorder):
        return sent_ns
    if way.jitter_ns:
        jitter = <int64_t> rng_below(&way.rng, 2 * way.jitter_ns + 1) - <int64_t> way.jitter_ns
    way.due_ns = max(way.due_ns, sent_ns + way.delay_ns + jitter)
    return way.due_ns


cdef inline bint sooner(const due_t *a, const due_t *b) noexcept nogil:
    return a.ns < b.ns or (a.ns == b.ns and a.number < b.number)


cdef void heap_push(Impair self, uint64_t due_ns, held_t *held) noexcept nogil:
    cdef uint32_t at = self.count, parent
    cdef due_t due
    due.ns, due.number, due.held = due_ns, self.number, held
    self.count += 1
    self.number += 1
    while at:
        parent = (at - 1) // 2
        if not sooner(&due, &self.heap[parent]):
            break
        self.heap[at] = self.heap[parent]
        at = parent
    self.heap[at] = due


cdef void heap_pop(Impair self) noexcept nogil:
    """Take out the soonest."""
    cdef uint32_t at = 0, child
    cdef due_t last
    self.count -= 1
    last = self.heap[self.count]
    while 2 * at + 1 < self.count:
        child = 2 * at + 1
        if child + 1 < self.count and sooner(&self.heap[child + 1], &self.heap[child]):
            child += 1
        if not sooner(&self.heap[child], &last):
            break
        self.heap[at] = self.heap[child]
        at = child
    self.heap[at] = last
