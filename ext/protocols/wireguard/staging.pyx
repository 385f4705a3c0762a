"""Packets that wait for a session, as copies in the interface's store."""

from libc.stdint cimport uint16_t

from tunnel.handler cimport tally_add, tally_subtract
from tunnel.hold cimport held_t, hold_copy, hold_drop, hold_put
from tunnel.packet cimport HELD, packet_drop
from tunnel.protocols.wireguard.state cimport STAGED_MAX

from tunnel import reasons

cdef uint16_t STAGED_FULL = reasons.STAGED_FULL
cdef uint16_t HELD_FULL = reasons.HELD_FULL
cdef uint16_t NO_SESSION = reasons.NO_SESSION


cdef held_t *_take(peer_t *peer) noexcept nogil:
    """The oldest, no longer the peer's."""
    cdef held_t *held = peer.staged[peer.oldest]
    peer.oldest = (peer.oldest + 1) % STAGED_MAX
    peer.waiting -= 1
    return held


cdef void _lose(interface_t *at, peer_t *peer, uint16_t reason) noexcept nogil:
    """Drop the oldest."""
    cdef held_t *held = _take(peer)
    tally_subtract(&at.counters.held, &held.packet)
    tally_add(&at.counters.drops[reason], &held.packet)
    hold_drop(at.staging, held)


cdef void staging_put(interface_t *at, peer_t *peer, const batch_t *batch, packet_t *p) noexcept nogil:
    """Keep ``p``, in place of the oldest where 128 wait already."""
    cdef held_t *held
    if peer.waiting == STAGED_MAX:
        _lose(at, peer, STAGED_FULL)
    held = hold_put(at.staging, batch, p)
    if held == NULL:
        packet_drop(p, HELD_FULL)
        return
    peer.staged[(peer.oldest + peer.waiting) % STAGED_MAX] = held
    peer.waiting += 1
    p.egress = HELD


cdef void staging_release(interface_t *at, peer_t *peer, batch_t *batch) noexcept nogil:
    """Append what waits to ``batch``, the oldest first; what finds no room goes on waiting."""
    while peer.waiting and hold_copy(peer.staged[peer.oldest], batch) != NULL:
        hold_drop(at.staging, _take(peer))


cdef void staging_forget(interface_t *at, peer_t *peer) noexcept nogil:
    """Drop all that waits."""
    while peer.waiting:
        _lose(at, peer, NO_SESSION)
