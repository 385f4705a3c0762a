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
from _due_heap cimport due_pop, due_push

from tunnel.arena cimport HEADROOM
from tunnel.batch cimport Batch, batch_clone, batch_t
from tunnel.handler cimport tally_add
from tunnel.hold cimport held_t, hold_copy, hold_drop, hold_free, hold_new, hold_put
from tunnel.packet cimport ABSENT, HELD, packet_drop, packet_own, packet_t
from tunnel.parse cimport parse_packet
from tunnel.rng cimport rng_below, rng_chance, rng_next

import msgspec

from tunnel import arguments, reasons
from tunnel.errors import ConfigError
from tunnel.handlers.options import ImpairOptions
from tunnel.impairment import mistakes

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

        ``seed``        the same seed and packets give the same fate; the way back has a sequence derived
                        from it, or from ``back.seed``; default 0
        ``hold_kib``    KiB for all packets on their way; a packet takes about 500 bytes, 2,300 when it is
                        larger than 256 bytes, 66,000 when larger than 2,048; default 16,384

    While it works
        ``change(delay_ms=5, rate_mbit=10)`` puts other options in the place of all there are: what is not
        given has its default, but ``hold_kib`` stays what it is. They apply to packets that arrive from then
        on. Those under way arrive when they would have, and are overtaken by ``reorder_pct`` alone: after
        a shorter delay, or on a faster line, packets bunch behind them. The random sequences go on unless
        there is a ``seed``, which starts both anew (``back.seed`` alone that one). ``options`` are those
        in force, as given. ``tunnel.control`` reaches both in an engine that runs.

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
        if self.store != NULL:
            raise RuntimeError("Impair is configured once: `change` changes it")
        chosen = read(options, None)
        self.store = hold_new(chosen.hold_kib * 1024)
        self.heap = <due_t *> calloc(self.store.limit // (sizeof(held_t) + HEADROOM), sizeof(due_t))
        if self.heap == NULL:
            raise MemoryError("a queue of delayed packets")
        sow(self, 0, None)
        choose(self, chosen)

    def change(self, **options):
        """Other options for the packets to come, on the loop's thread. A ``ConfigError`` has changed nothing."""
        choose(self, read(options, self.options.hold_kib))

    def __dealloc__(self):
        hold_free(self.store)
        free(self.heap)

    cdef int c_process(self, batch_t *batch) except -1 nogil:
        cdef uint32_t count = batch.count, i
        cdef packet_t *copy
        cdef way_t *way
        self.seen_ns = batch.now_ns
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
        self.seen_ns = now_ns
        while self.count and self.heap[0].ns <= now_ns:
            p = hold_copy(self.heap[0].held, &batch.c)
            if p == NULL:
                return now_ns
            self.ways[self.heap[0].held.packet.egress ^ 1].waiting -= 1
            hold_drop(self.store, self.heap[0].held)
            self.count -= 1
            due_pop(self.heap, self.count)
        return self.heap[0].ns if self.count else 0


cdef object read(dict options, hold_kib):
    """What was given as options; raises ``ConfigError`` with every mistake. ``hold_kib`` is to stay, None: is free."""
    chosen = arguments.read("impair", ImpairOptions, options)
    wrong = [*mistakes(chosen), *(f"back.{text}" for text in mistakes(chosen.back or chosen) if chosen.back)]
    if hold_kib is not None:
        if "hold_kib" in options and chosen.hold_kib != hold_kib:
            wrong.append(f"hold_kib: {hold_kib} cannot be changed any more; leave it out")
        chosen = msgspec.structs.replace(chosen, hold_kib=hold_kib)
    if wrong:
        raise ConfigError([f"impair: {text}" for text in wrong])
    return chosen


cdef int choose(Impair self, chosen) except -1:
    """Options in force from now on."""
    sow(self, chosen.seed, chosen.back.seed if chosen.back else None)
    set_way(&self.ways[0], chosen, self.seen_ns)
    set_way(&self.ways[1], chosen.back or chosen, self.seen_ns)
    self.options = chosen
    return 0


cdef int sow(Impair self, seed, back) except -1:
    """Start anew what has a seed; the second sequence has one of the first unless it is given its own."""
    if seed is not None:
        self.ways[0].rng = seed
        self.ways[1].rng = rng_next(&self.ways[0].rng)
        self.ways[0].losing = self.ways[1].losing = False
    if back is not None:
        self.ways[1].rng = back
        self.ways[1].losing = False
    return 0


cdef int set_way(way_t *way, chosen, uint64_t now_ns) except -1:
    """Options as thresholds and ns; the line goes on with what it has."""
    keep_backlog(way, now_ns)
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


cdef void keep_backlog(way_t *way, uint64_t now_ns) noexcept nogil:
    """Before another rate: what the line still has to send, and how fast; ``queue_kib`` counts bytes, not time."""
    cdef double size = queued(way, now_ns)
    if size > 0:
        way.former_ns_per_byte = (way.free_ns - now_ns) / size
        way.former_ns = way.free_ns


cdef double queued(const way_t *way, uint64_t now_ns) noexcept nogil:
    """Bytes that the line has still to send."""
    cdef double size = 0
    if way.former_ns > now_ns:
        size = (way.former_ns - now_ns) / way.former_ns_per_byte
        now_ns = way.former_ns
    if way.free_ns > now_ns:
        size += (way.free_ns - now_ns) / way.ns_per_byte
    return size


cdef uint64_t threshold(double chance) noexcept:
    return <uint64_t> 0xffffffffffffffff if chance >= 1 else <uint64_t> (chance * 18446744073709551616.0)


cdef inline bint lost(way_t *way) noexcept nogil:
    way.losing = rng_chance(&way.rng, way.lose_on if way.losing else way.lose)
    return way.losing


cdef void forward(Impair self, way_t *way, batch_t *batch, packet_t *p) noexcept nogil:
    """Steps 3 to 6: out by the other port, now or later."""
    cdef uint16_t egress = p.ingress ^ 1
    cdef uint64_t due_ns = batch.now_ns
    cdef bint overtakes
    cdef held_t *held
    if rng_chance(&way.rng, way.corrupt) and not corrupt(way, batch, p):
        packet_drop(p, NO_ROOM)
        return
    if way.ns_per_byte != 0 and not line_take(way, p.len, &due_ns):
        packet_drop(p, QUEUE_FULL)
        return
    overtakes = rng_chance(&way.rng, way.reorder)
    if not overtakes:
        due_ns = delayed(way, due_ns)
    if due_ns <= batch.now_ns and (overtakes or way.waiting == 0):  # who waits may be due, and not let go yet
        p.egress = egress
        return
    held = hold_put(self.store, batch, p)
    if held == NULL:
        packet_drop(p, HELD_FULL)
        return
    held.packet.egress = egress
    p.egress = HELD
    way.waiting += 1
    due_push(self.heap, self.count, due_t(due_ns, self.number, held))
    self.count += 1
    self.number += 1
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
    if start > now_ns[0] and queued(way, now_ns[0]) + size > way.queue:
        return False
    way.free_ns = start + <uint64_t> (size * way.ns_per_byte + 0.5)
    now_ns[0] = way.free_ns
    return True


cdef uint64_t delayed(way_t *way, uint64_t sent_ns) noexcept nogil:
    """When a packet that the line has sent at ``sent_ns`` arrives, behind all others."""
    cdef int64_t jitter = 0
    if way.jitter_ns:
        jitter = <int64_t> rng_below(&way.rng, 2 * way.jitter_ns + 1) - <int64_t> way.jitter_ns
    way.due_ns = max(way.due_ns, sent_ns + way.delay_ns + jitter)
    return way.due_ns
