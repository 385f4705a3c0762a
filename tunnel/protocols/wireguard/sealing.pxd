"""Packets of the overlay become transport messages (whitepaper, section 5.4.6). C face.

``sealing_batch`` decides about the packets from ``first`` to before ``end``: to the peer whose allowed
IPs hold their destination or, where ``to`` is not NULL, to that one.
"""

from libc.stdint cimport uint32_t, uint64_t

from tunnel.batch cimport batch_t
from tunnel.protocols.wireguard.state cimport interface_t, peer_t

cdef void sealing_batch(
    interface_t *at, batch_t *batch, uint32_t first, uint32_t end, peer_t *to, uint64_t now_ns
) noexcept nogil
cdef void sealing_staged(interface_t *at, peer_t *peer, batch_t *batch, uint64_t now_ns) noexcept nogil
cdef void sealing_keepalive(interface_t *at, peer_t *peer, batch_t *batch, uint64_t now_ns) noexcept nogil
