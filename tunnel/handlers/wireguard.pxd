"""C face of ``WireGuard``."""

from libc.stdint cimport uint64_t

from tunnel.handler cimport Handler
from tunnel.protocols.wireguard.state cimport interface_t


cdef class WireGuard(Handler):
    cdef readonly object interface    # protocols.wireguard.interface.Interface
    cdef interface_t *c               # its tables
    cdef uint64_t slept_ns            # what the clock of the protocol is ahead of the engine's
