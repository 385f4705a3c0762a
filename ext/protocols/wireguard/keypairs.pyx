"""Rotation of keypairs. Receiver indices go with them; keys are wiped when a keypair is dropped.

What seals and opens has kept the last key that it was given, and nothing may be sealed or opened for a while.
"""

from tunnel.crypto.aead cimport aead_forget
from tunnel.protocols.wireguard.state cimport interface_t, keypair_t, peer_t
from tunnel.secret cimport secret_free, secret_new
from tunnel.tables.indices cimport indices_drop


cdef keypair_t *keypairs_new() noexcept nogil:
    """A zeroed keypair in memory for secrets; NULL where there is none left."""
    return <keypair_t *> secret_new(sizeof(keypair_t))


cdef void keypairs_drop(interface_t *at, keypair_t **place) noexcept nogil:
    """Wipe the keypair at ``place`` of a peer, if there is one, and forget its index."""
    cdef keypair_t *keypair = place[0]
    if keypair == NULL:
        return
    place[0] = NULL
    if keypair.local:
        indices_drop(at.indices, keypair.local)
    secret_free(keypair, sizeof(keypair_t))
    aead_forget(at.aead)


cdef void keypairs_install(interface_t *at, peer_t *peer, keypair_t *keypair) noexcept nogil:
    """The initiator may send at once; the responder only once the peer has shown that it has the session."""
    if keypair.initiator:
        keypairs_drop(at, &peer.previous)
        if peer.next != NULL:
            peer.previous, peer.next = peer.next, NULL
            keypairs_drop(at, &peer.current)
        else:
            peer.previous = peer.current
        peer.current = keypair
    else:
        keypairs_drop(at, &peer.next)
        keypairs_drop(at, &peer.previous)
        peer.next = keypair


cdef void keypairs_confirm(interface_t *at, peer_t *peer) noexcept nogil:
    """The first message under next has come."""
    keypairs_drop(at, &peer.previous)
    peer.previous, peer.current, peer.next = peer.current, peer.next, NULL


cdef void keypairs_erase(interface_t *at, peer_t *peer) noexcept nogil:
    """Wipe all three."""
    keypairs_drop(at, &peer.previous)
    keypairs_drop(at, &peer.current)
    keypairs_drop(at, &peer.next)
