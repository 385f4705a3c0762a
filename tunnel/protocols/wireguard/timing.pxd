"""When a peer wants to be called, and what traffic does to that (whitepaper, section 6). Header-only.

Authenticated packets are initiations, responses, keepalives and data; cookie replies are not.
"""

from libc.stdint cimport uint64_t

from tunnel.protocols.wireguard.state cimport (
    PASSIVE_KEEPALIVE, PERSISTENT_KEEPALIVE, SILENCE, TIMERS, interface_t, peer_t,
)
from tunnel.rng cimport rng_below
from tunnel.tables.deadlines cimport deadlines_by


cdef inline void timing_arm(interface_t *at, peer_t *peer, int timer, uint64_t ns) noexcept nogil:
    peer.due[timer] = ns
    deadlines_by(at.deadlines, peer.slot, ns)


cdef inline uint64_t timing_jitter(interface_t *at) noexcept nogil:
    return rng_below(&at.rng, at.limits.jitter_ns + 1)


cdef inline uint64_t timing_earliest(const peer_t *peer) noexcept nogil:
    """The earliest of the armed timers; 0 = none."""
    cdef uint64_t earliest = 0
    cdef int timer
    for timer in range(TIMERS):
        if peer.due[timer] and (earliest == 0 or peer.due[timer] < earliest):
            earliest = peer.due[timer]
    return earliest


cdef inline void timing_passed(interface_t *at, peer_t *peer, uint64_t now_ns) noexcept nogil:
    """An authenticated packet went either way: the persistent keepalive starts anew."""
    if peer.persistent_ns:
        timing_arm(at, peer, PERSISTENT_KEEPALIVE, now_ns + peer.persistent_ns)


cdef inline void timing_sent(interface_t *at, peer_t *peer, uint64_t now_ns, bint holds) noexcept nogil:
    """An authenticated packet was sent; ``holds``: it is one that the other side has to answer."""
    peer.due[PASSIVE_KEEPALIVE] = 0
    timing_passed(at, peer, now_ns)
    if holds and peer.due[SILENCE] == 0:
        timing_arm(at, peer, SILENCE, now_ns + at.limits.keepalive_ns + at.limits.retry_ns + timing_jitter(at))


cdef inline void timing_received(interface_t *at, peer_t *peer, uint64_t now_ns, bint holds) noexcept nogil:
    """An authenticated packet came; ``holds``: it is one that we have to answer, by a keepalive if nothing else."""
    peer.due[SILENCE] = 0
    timing_passed(at, peer, now_ns)
    if not holds:
        return
    if peer.due[PASSIVE_KEEPALIVE]:
        peer.again = True
    else:
        timing_arm(at, peer, PASSIVE_KEEPALIVE, now_ns + at.limits.keepalive_ns)
