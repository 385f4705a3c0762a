"""Handshake messages: what may cost a Diffie-Hellman, and what never gets so far. C face."""

from libc.stdint cimport uint32_t, uint64_t

from tunnel.batch cimport batch_t
from tunnel.protocols.wireguard.state cimport interface_t

cdef void intake_message(interface_t *at, batch_t *batch, uint32_t index, uint64_t now_ns) noexcept nogil
