"""BLAKE2s (RFC 7693) as WireGuard uses it: plain, keyed, in HMAC and in HKDF. C face.

All return False only where libcrypto has no memory; what they wrote is worthless then.
"""

from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    BLAKE2S_SIZE = 32
    BLAKE2S_MAC_SIZE = 16


cdef bint blake2s_hash(
    const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size, uint8_t *digest,
) noexcept nogil
cdef bint blake2s_kdf(
    const uint8_t *key, size_t key_size, const uint8_t *input, size_t size, uint32_t count, uint8_t *out,
) noexcept nogil
cdef void *blake2s_keyed(const uint8_t *key, size_t size) noexcept nogil
cdef void blake2s_keyed_free(void *keyed) noexcept nogil
cdef bint blake2s_mac_by(const void *keyed, const uint8_t *input, size_t size, uint8_t *mac) noexcept nogil
cdef bint blake2s_mac(
    const uint8_t *key, size_t key_size, const uint8_t *input, size_t size, uint8_t *mac,
) noexcept nogil
