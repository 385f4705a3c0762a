"""The Python edge of a peer. C face."""

from tunnel.protocols.wireguard.state cimport InterfaceState, interface_t, peer_t


cdef class PeerState:
    cdef peer_t *c
    cdef interface_t *at
    cdef InterfaceState interface
    cdef object __weakref__
