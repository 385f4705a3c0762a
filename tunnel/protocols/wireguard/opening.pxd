"""Datagrams of the underlay: transport messages become packets of the overlay, others are taken in. C face."""

from libc.stdint cimport uint32_t, uint64_t

from tunnel.batch cimport batch_t
from tunnel.protocols.wireguard.state cimport interface_t

cdef void opening_batch(interface_t *at, batch_t *batch, uint32_t end, uint64_t now_ns) noexcept nogil
