"""The static keys of a device, and initiations whose sender is known by them. C face.

All structs lie in memory for keys (`tunnel.secret`).
"""

from tunnel.protocols.wireguard.slot cimport opened_t
from tunnel.protocols.wireguard.steps cimport pair_t
from tunnel.protocols.wireguard.symmetric cimport symmetric_t

cdef symmetric_t identity_first   # C0 and H0


cdef class Identity:
    cdef pair_t *c


cdef class Opened:
    cdef opened_t *c
    cdef Identity identity
    cdef object acceptor          # the Handshake for which c.accepted holds
