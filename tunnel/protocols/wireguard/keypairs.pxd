"""The three keypairs of a peer: previous, current, next. C face.

    keypairs_install    a session was derived: as initiator it is current at once, as responder next
    keypairs_confirm    the peer has used next: it is current
    keypairs_find       the one that a receiver index names
"""

from libc.stdint cimport uint32_t, uint64_t

from tunnel.protocols.wireguard.state cimport interface_t, keypair_t, limits_t, peer_t

cdef keypair_t *keypairs_new() noexcept nogil
cdef void keypairs_drop(interface_t *at, keypair_t **place) noexcept nogil
cdef void keypairs_install(interface_t *at, peer_t *peer, keypair_t *keypair) noexcept nogil
cdef void keypairs_confirm(interface_t *at, peer_t *peer) noexcept nogil
cdef void keypairs_erase(interface_t *at, peer_t *peer) noexcept nogil


cdef inline keypair_t *keypairs_find(const peer_t *peer, uint32_t local) noexcept nogil:
    if peer.current != NULL and peer.current.local == local:
        return peer.current
    if peer.previous != NULL and peer.previous.local == local:
        return peer.previous
    if peer.next != NULL and peer.next.local == local:
        return peer.next
    return NULL


cdef inline bint keypairs_has(const peer_t *peer, const keypair_t *keypair) noexcept nogil:
    """It is still one of the three."""
    return keypair == peer.current or keypair == peer.previous or keypair == peer.next


cdef inline uint64_t keypairs_age_ns(const keypair_t *keypair, uint64_t now_ns) noexcept nogil:
    """0 where it was made later than now: clocks are read at several places, and what the machine slept is rounded."""
    return now_ns - keypair.created_ns if now_ns > keypair.created_ns else 0


cdef inline bint keypairs_may_send(const limits_t *limits, const keypair_t *keypair, uint64_t now_ns) noexcept nogil:
    """It exists, is young enough and has numbers left."""
    return (
        keypair != NULL
        and keypair.may_send
        and keypair.sent < limits.reject_messages
        and keypairs_age_ns(keypair, now_ns) < limits.reject_ns
    )
