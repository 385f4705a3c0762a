"""The tables of an interface, and their Python edge."""

cimport cython
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from tunnel.handler cimport Handler
from tunnel.hold cimport hold_free, hold_new
from tunnel.tables.deadlines cimport DEADLINES_NONE, deadlines_reserve, deadlines_take
from tunnel.tables.indices cimport indices_find

cdef enum:
    ROUTES_MAX = 1048576
    HANDSHAKE_RATE = 20       # a second for one source, under load
    HANDSHAKE_BURST = 5
    TOLD_RATE = 100           # ICMP errors a second to one source
    TOLD_BURST = 10


@cython.no_gc_clear  # peers still look into the tables when they are freed
cdef class InterfaceState:
    """Tables of an interface, for the packets of ``handler``; at most 65,536 peers."""

    def __cinit__(self, Handler handler not None, *args, aead=None):
        self.routes, self.indices, self.deadlines = Lpm(ROUTES_MAX), Indices(4 * PEERS_MAX), Deadlines()
        self.aead = Aead() if aead is None else Aead(aead)
        self.sources, self.strangers = (Buckets(HANDSHAKE_RATE, HANDSHAKE_BURST) for _ in range(2))
        self.told = Buckets(TOLD_RATE, TOLD_BURST)
        self.c.routes, self.c.indices, self.c.deadlines = &self.routes.c, &self.indices.c, &self.deadlines.c
        self.c.aead, self.c.told = &self.aead.c, &self.told.c
        self.c.sources, self.c.strangers = &self.sources.c, &self.strangers.c
        self.handler, self.c.counters = handler, handler.counters
        self.c.staging = hold_new(STAGED_BYTES)
        self.c.pending = <pending_t *> calloc(PENDING_MAX, sizeof(pending_t))
        if self.c.pending == NULL:
            raise MemoryError("a queue of handshakes")

    def __init__(self, handler, *, aead=None):
        pass

    def __dealloc__(self):
        hold_free(self.c.staging)
        free(self.c.pending)
        free(self.c.peers)
        free(self.c.wanting)

    def limit(self, limits):
        """Take the numbers of a ``constants.Limits``."""
        self.c.limits.rekey_messages, self.c.limits.reject_messages = limits.rekey_messages, limits.reject_messages
        self.c.limits.rekey_ns, self.c.limits.reject_ns = limits.rekey_ns, limits.reject_ns
        self.c.limits.retry_ns, self.c.limits.keepalive_ns = limits.retry_ns, limits.keepalive_ns
        self.c.limits.jitter_ns = limits.jitter_ns

    def seed(self, uint64_t seed):
        """Where jitter is drawn from."""
        self.c.rng = seed

    @property
    def up(self):
        """Packets pass; else all are dropped."""
        return self.c.up

    @up.setter
    def up(self, bint up):
        self.c.up = up

    def check(self, Checker checker):
        """Whose handshake messages are taken; None: nobody's."""
        self.checker = checker
        self.c.checker = NULL if checker is None else checker.c
        self.c.oldest = self.c.waiting = 0

    def pending(self):
        """The oldest handshake message that waits, and the record of its sender; None without."""
        cdef pending_t *entry = &self.c.pending[self.c.oldest]
        if self.c.waiting == 0:
            return None
        self.c.oldest = (self.c.oldest + 1) % PENDING_MAX
        self.c.waiting -= 1
        return (<char *> entry.message)[:entry.size], (<char *> &entry.source)[:sizeof(endpoint_t)]

    @property
    def waiting(self):
        """Handshake messages that wait."""
        return self.c.waiting

    @property
    def wanted(self):
        """Peers that want something."""
        return self.c.wanted

    def wanting(self):
        """Slots of the peers that want something, and the ``want_t`` bits of each; asked once."""
        cdef uint32_t i, slot
        found = []
        for i in range(self.c.wanted):
            slot = self.c.wanting[i]
            if self.c.peers[slot] != NULL:
                found.append((slot, self.c.peers[slot].wants))
                self.c.peers[slot].wants = 0
        self.c.wanted = 0
        return found

    def forget_waiting(self):
        """No handshake message waits, and no peer wants anything."""
        self.c.waiting = 0
        self.wanting()

    def take_due(self, uint64_t now_ns):
        """The slot of a peer of which a timer may be over; None without."""
        slot = deadlines_take(&self.c.deadlines[0], now_ns)
        return None if slot == DEADLINES_NONE else slot

    def slot_of(self, uint32_t index):
        """The slot of the peer to which a receiver index leads, or None."""
        cdef peer_t *peer = <peer_t *> indices_find(self.c.indices, index)
        return None if peer == NULL else peer.slot


cdef int state_reserve(InterfaceState interface, uint32_t slot) except -1:
    """Room for a peer at ``slot``."""
    cdef interface_t *c = &interface.c
    cdef uint32_t room = c.slots
    cdef void *peers
    cdef void *wanting
    if slot < room:
        return 0
    if slot >= PEERS_MAX:
        raise OverflowError(f"at most {PEERS_MAX} peers")
    while room <= slot:
        room = max(16, 2 * room)
    deadlines_reserve(c.deadlines, room)
    peers = realloc(c.peers, room * sizeof(peer_t *))
    if peers != NULL:
        c.peers = <peer_t **> peers
    wanting = realloc(c.wanting, room * sizeof(uint32_t))
    if wanting != NULL:
        c.wanting = <uint32_t *> wanting
    if peers == NULL or wanting == NULL:
        raise MemoryError("a table of peers")
    memset(&c.peers[c.slots], 0, (room - c.slots) * sizeof(peer_t *))
    c.slots = room
    return 0
