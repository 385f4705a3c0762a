"""The Python edge of a peer: what handshakes and timers, which Python decides, need of it."""

cimport cython
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from tunnel.batch cimport Batch, batch_emit
from tunnel.endpoint cimport endpoint_at, endpoint_new, endpoint_t
from tunnel.packet cimport DATAGRAM, packet_t
from tunnel.parse cimport parse_packet
from tunnel.protocols.wireguard.keypairs cimport (
    keypairs_drop, keypairs_erase, keypairs_install, keypairs_may_send, keypairs_new,
)
from tunnel.protocols.wireguard.layout cimport INITIATION_SIZE
from tunnel.protocols.wireguard.noise cimport Handshake, noise_derive, noise_initiator
from tunnel.protocols.wireguard.sealing cimport sealing_keepalive, sealing_staged
from tunnel.protocols.wireguard.staging cimport staging_forget
from tunnel.protocols.wireguard.state cimport (
    PERSISTENT_KEEPALIVE, TIMERS, InterfaceState, keypair_t, peer_t, state_reserve,
)
from tunnel.protocols.wireguard.timing cimport (
    timing_arm, timing_earliest, timing_jitter, timing_received, timing_sent,
)
from tunnel.protocols.wireguard.wants cimport wants_forget
from tunnel.secret cimport secret_scrub_stack
from tunnel.tables.deadlines cimport deadlines_by, deadlines_drop
from tunnel.tables.indices cimport indices_drop, indices_find, indices_put

cdef enum:
    UNDERLAY = 1              # the handler's port


@cython.no_gc_clear  # it leaves the interface's tables when it is freed
cdef class PeerState:
    """The native part of a peer: it stands in the interface's table from now until ``leave``.

    ``MemoryError`` without memory, ``OverflowError`` where the table is full, ``ValueError`` for a slot in use.
    """

    def __cinit__(self, InterfaceState interface not None, uint32_t slot, *args, **kwargs):
        state_reserve(interface, slot)
        if interface.c.peers[slot] != NULL:
            raise ValueError(f"slot {slot} is in use")
        self.c = <peer_t *> calloc(1, sizeof(peer_t))
        if self.c == NULL:
            raise MemoryError("a peer")
        self.interface, self.at = interface, &interface.c
        self.c.slot = slot
        interface.c.peers[slot] = self.c

    def __dealloc__(self):
        if self.c != NULL:
            _leave(self)
            free(self.c)

    def leave(self):
        """Forget packets, sessions and allowed IPs, and the slot. Idempotent; nothing else may follow."""
        _leave(self)

    @property
    def slot(self):
        """The number that stands for the peer in tables."""
        return self.c.slot

    @property
    def record(self):
        """Where its messages go: 64 bytes of ``tunnel.endpoints``; None where that is not known."""
        return (<char *> &self.c.endpoint)[:sizeof(endpoint_t)] if self.c.endpoint.size else None

    @record.setter
    def record(self, bytes record not None):
        if len(record) != sizeof(endpoint_t):
            raise ValueError("an endpoint record has 64 bytes")
        memcpy(&self.c.endpoint, <const char *> record, sizeof(endpoint_t))

    def forget_source(self):
        """Routing chooses our address again."""
        memset(self.c.endpoint.local, 0, sizeof(self.c.endpoint.local))
        self.c.endpoint.ifindex = 0

    @property
    def rx_bytes(self):
        """UDP payload of authentic messages, in bytes."""
        return self.c.rx_bytes

    @property
    def tx_bytes(self):
        """UDP payload of messages sent, in bytes."""
        return self.c.tx_bytes

    @property
    def keepalive_s(self):
        """Seconds of silence after which a keepalive is sent; 0 = never."""
        return self.c.persistent_ns // 1_000_000_000

    @keepalive_s.setter
    def keepalive_s(self, uint32_t seconds):
        self.c.persistent_ns = seconds * <uint64_t> 1_000_000_000
        self.c.due[PERSISTENT_KEEPALIVE] = 0

    def send(self, bytes message not None, Batch batch not None, uint64_t now_ns, uint8_t tos=0):
        """Send a handshake message to where the peer is; False where that is not known, or no room is left."""
        cdef uint32_t endpoint = endpoint_new(batch.c.arena) if self.c.endpoint.size else 0
        cdef packet_t *p
        if len(message) > INITIATION_SIZE:
            raise ValueError(f"a handshake message has {INITIATION_SIZE} bytes at most, not {len(message)}")
        p = batch_emit(&batch.c, <uint32_t> len(message)) if endpoint else NULL
        if p == NULL:
            return False
        memcpy(p.data, <const char *> message, len(message))
        endpoint_at(batch.c.arena, endpoint)[0] = self.c.endpoint
        endpoint_at(batch.c.arena, endpoint).tos = tos
        p.medium = DATAGRAM
        parse_packet(p)
        p.endpoint, p.egress = endpoint, UNDERLAY
        self.c.tx_bytes += len(message)
        timing_sent(self.at, self.c, now_ns, False)
        return True

    def received(self, uint32_t size, uint64_t now_ns):
        """A handshake message of ``size`` bytes was authentic."""
        self.c.rx_bytes += size
        timing_received(self.at, self.c, now_ns, False)

    def install(self, Handshake handshake not None, uint64_t now_ns):
        """The session that a handshake has come to; its index goes with it. ``MemoryError``, ``ValueError``."""
        cdef keypair_t *keypair = keypairs_new()
        cdef uint32_t local = handshake.c.local_index, remote = handshake.c.remote_index
        if keypair == NULL:
            raise MemoryError("a keypair")
        keypair.initiator = noise_initiator(handshake.c)
        if not noise_derive(handshake.c, keypair.send_key, keypair.receive_key):
            keypairs_drop(self.at, &keypair)
            raise ValueError("the handshake is not complete")
        keypair.local, keypair.remote = local, remote
        keypair.created_ns, keypair.may_send = now_ns, True
        self.c.claimed = 0
        keypairs_install(self.at, self.c, keypair)
        secret_scrub_stack()

    def may_send(self, uint64_t now_ns):
        """There is a session to send with."""
        return keypairs_may_send(&self.at.limits, self.c.current, now_ns)

    def stop_sending(self):
        """The private key has changed: what was agreed under the old one serves only to receive."""
        if self.c.current != NULL:
            self.c.current.may_send = False
        if self.c.next != NULL:
            self.c.next.may_send = False

    def erase(self):
        """Wipe all sessions."""
        keypairs_erase(self.at, self.c)
        secret_scrub_stack()

    def claim(self, uint32_t index):
        """``index`` leads to this peer's handshake from now on, in place of the one claimed before.

        False where it is taken, or 0, which stands for none.
        """
        if index == 0 or indices_find(self.at.indices, index) != NULL:
            return False
        _disclaim(self)
        indices_put(self.at.indices, index, self.c)
        self.c.claimed = index
        return True

    def disclaim(self):
        """The index that was claimed for a handshake leads nowhere; a session's stays."""
        _disclaim(self)

    def arm(self, int timer, uint64_t ns, bint jitter=False):
        """Call at ``ns``, with ``jitter`` a little later; 0 = never."""
        if not 0 <= timer < TIMERS:
            raise ValueError(f"timer {timer}")
        self.c.due[timer] = 0
        if ns:
            timing_arm(self.at, self.c, timer, ns + (timing_jitter(self.at) if jitter else 0))

    def due_ns(self, int timer):
        """When a timer is over; 0 = not armed."""
        return self.c.due[timer] if 0 <= timer < TIMERS else 0

    def expired(self, uint64_t now_ns):
        """The timers that are over, which are armed no more; the others will be called for."""
        cdef uint64_t earliest
        cdef int timer
        over = []
        for timer in range(TIMERS):
            if self.c.due[timer] and self.c.due[timer] <= now_ns:
                self.c.due[timer] = 0
                over.append(timer)
        earliest = timing_earliest(self.c)
        if earliest:
            deadlines_by(self.at.deadlines, self.c.slot, earliest)
        return over

    def once_more(self):
        """Whether data came after a keepalive for earlier data was already due; asked once."""
        again, self.c.again = self.c.again, False
        return again

    def stop_timers(self):
        """None is armed."""
        cdef int timer
        for timer in range(TIMERS):
            self.c.due[timer] = 0
        self.c.again = False
        deadlines_drop(self.at.deadlines, self.c.slot)

    @property
    def staged(self):
        """Packets that wait for a session."""
        return self.c.waiting

    def send_staged(self, Batch batch not None, uint64_t now_ns):
        """Send what waits, where there is a session."""
        sealing_staged(self.at, self.c, &batch.c, now_ns)

    def send_keepalive(self, Batch batch not None, uint64_t now_ns):
        """Send an empty message, unless packets wait for a session."""
        sealing_keepalive(self.at, self.c, &batch.c, now_ns)

    def forget_staged(self):
        """Drop what waits."""
        staging_forget(self.at, self.c)


cdef void _disclaim(PeerState self) noexcept:
    if self.c.claimed:
        indices_drop(self.at.indices, self.c.claimed)
    self.c.claimed = 0


cdef void _leave(PeerState self) noexcept:
    cdef peer_t *peer = self.c
    if self.at.peers[peer.slot] != peer:
        return
    wants_forget(self.at, peer)
    staging_forget(self.at, peer)
    keypairs_erase(self.at, peer)
    _disclaim(self)
    deadlines_drop(self.at.deadlines, peer.slot)
    self.at.peers[peer.slot] = NULL  # before the call, which may fail for want of memory
    self.interface.routes.remove_value(peer.slot)
