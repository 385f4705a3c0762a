"""The handshake of WireGuard, Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s, one slot a peer. C face.

It lies in memory for keys (`tunnel.secret`). A slot is used by one thread at a time.
"""

from libc.stdint cimport uint8_t

from tunnel.protocols.wireguard.identity cimport Identity
from tunnel.protocols.wireguard.slot cimport noise_t


cdef class Handshake:
    cdef noise_t *c
    cdef Identity identity        # keeps c.identity alive
    cdef need(self, bint met, str otherwise)


cdef bint noise_derive(noise_t *noise, uint8_t *send_key, uint8_t *receive_key) noexcept nogil
cdef bint noise_initiator(const noise_t *noise) noexcept nogil
