"""What an interface knows of its peers and sessions, in native memory. C face.

    interface_t     tables that every packet is looked up in, and what waits for Python
    peer_t          endpoint, three keypairs, counters, deadlines, staged packets; its slot is its number
    keypair_t       two keys, a counter and a replay window, in memory for secrets

Times are ns of one clock that goes on while the machine sleeps (CLOCK_BOOTTIME).
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from tunnel.crypto.aead cimport Aead, aead_t
from tunnel.endpoint cimport endpoint_t
from tunnel.handler cimport Handler, counters_t
from tunnel.hold cimport held_t, hold_t
from tunnel.protocols.wireguard.cookie cimport Checker, checker_t
from tunnel.protocols.wireguard.layout cimport INITIATION_SIZE
from tunnel.tables.buckets cimport Buckets, buckets_t
from tunnel.tables.deadlines cimport Deadlines, deadlines_t
from tunnel.tables.indices cimport Indices, indices_t
from tunnel.tables.lpm cimport Lpm, lpm_t
from tunnel.tables.replay cimport replay_t

cdef enum:
    PEERS_MAX = 65536
    STAGED_MAX = 128          # packets that wait for a session, a peer
    STAGED_BYTES = 33554432   # of all peers together
    PENDING_MAX = 1024        # handshake messages not yet looked at

cdef enum want_t:             # what Python is asked for, bits of peer_t.wants
    WANT_HANDSHAKE = 1        # a session is missing, or old
    CONFIRMED = 2             # the peer has used the keypair that we made as responder

cdef enum:                    # timers: places in peer_t.due
    ERASE = 0                 # first, for where several are over: it must not undo what another begins
    RETRANSMIT = 1
    PASSIVE_KEEPALIVE = 2
    SILENCE = 3
    PERSISTENT_KEEPALIVE = 4
    TIMERS = 5

ctypedef struct limits_t:     # section 6 of the whitepaper
    uint64_t rekey_messages   # REKEY_AFTER_MESSAGES
    uint64_t reject_messages
    uint64_t rekey_ns         # REKEY_AFTER_TIME
    uint64_t reject_ns
    uint64_t retry_ns         # REKEY_TIMEOUT
    uint64_t keepalive_ns     # KEEPALIVE_TIMEOUT
    uint64_t jitter_ns        # the most that is added to a retry

ctypedef struct keypair_t:
    uint8_t send_key[32]
    uint8_t receive_key[32]
    replay_t window
    uint64_t sent             # the counter of the next message
    uint64_t sealed           # no lower counter may be sealed with any more; see nonces.pxd
    uint64_t created_ns
    uint32_t local            # the receiver index of what comes to us
    uint32_t remote
    bint initiator            # we were, so rekeying is ours to do
    bint may_send
    bint renewed              # rekeying was asked for on receiving, once

ctypedef struct peer_t:
    uint32_t slot
    endpoint_t endpoint       # size 0: not known
    keypair_t *previous
    keypair_t *current        # what is sent with
    keypair_t *next           # ours as responder, until the peer uses it
    uint64_t rx_bytes         # of UDP payload
    uint64_t tx_bytes
    uint64_t due[TIMERS]      # by timer; 0 = not armed
    uint64_t persistent_ns    # 0 = off
    bint again                # one more passive keepalive after the next
    uint32_t wants            # want_t
    uint32_t claimed          # the receiver index of the handshake under way; 0 = none
    held_t *staged[STAGED_MAX]
    uint32_t oldest           # place of the oldest staged
    uint32_t waiting          # staged

ctypedef struct pending_t:
    endpoint_t source
    uint32_t size
    uint8_t message[INITIATION_SIZE]

ctypedef struct interface_t:
    peer_t **peers            # by slot; NULL = free
    uint32_t slots
    lpm_t *routes             # allowed IPs -> slot
    indices_t *indices        # receiver index -> peer_t
    deadlines_t *deadlines
    aead_t *aead
    checker_t *checker        # NULL without a private key
    buckets_t *sources        # handshakes under load, of those with a cookie
    buckets_t *strangers      # cookies that are asked for
    buckets_t *told           # ICMP errors
    hold_t *staging
    counters_t *counters      # the handler's
    limits_t limits
    uint32_t *wanting         # slots whose wants are not 0
    uint32_t wanted
    pending_t *pending        # a ring
    uint32_t oldest
    uint32_t waiting
    uint64_t loaded_ns        # under load until then
    uint64_t replied_ns       # of the cookie replies: full again at
    uint64_t rng
    uint32_t mtu              # of the overlay; 0 = not known
    bint up


cdef class InterfaceState:
    cdef interface_t c
    cdef readonly Lpm routes
    cdef readonly Indices indices
    cdef readonly Deadlines deadlines
    cdef readonly Aead aead
    cdef Checker checker
    cdef Buckets sources
    cdef Buckets strangers
    cdef Buckets told
    cdef Handler handler      # whose counters c.counters are


cdef int state_reserve(InterfaceState interface, uint32_t slot) except -1
