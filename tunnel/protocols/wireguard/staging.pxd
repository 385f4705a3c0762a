"""Packets that wait for a session: at most 128 a peer, the oldest goes first. C face."""

from tunnel.batch cimport batch_t
from tunnel.packet cimport packet_t
from tunnel.protocols.wireguard.state cimport interface_t, peer_t

cdef void staging_put(interface_t *at, peer_t *peer, const batch_t *batch, packet_t *p) noexcept nogil
cdef void staging_release(interface_t *at, peer_t *peer, batch_t *batch) noexcept nogil
cdef void staging_forget(interface_t *at, peer_t *peer) noexcept nogil
