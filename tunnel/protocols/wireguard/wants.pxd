"""What native code asks of Python, by peer; Python looks once a breath. Header-only."""

from libc.stdint cimport uint8_t, uint32_t

from tunnel.protocols.wireguard.state cimport interface_t, peer_t


cdef inline void wants_add(interface_t *at, peer_t *peer, uint8_t want) noexcept nogil:
    if peer.wants == 0:
        at.wanting[at.wanted] = peer.slot
        at.wanted += 1
    peer.wants |= want


cdef inline void wants_forget(interface_t *at, peer_t *peer) noexcept nogil:
    """Take it off the list: its slot will be another's."""
    cdef uint32_t i = 0
    if peer.wants == 0:
        return
    while at.wanting[i] != peer.slot:
        i += 1
    at.wanted -= 1
    at.wanting[i] = at.wanting[at.wanted]
    peer.wants = 0
