"""One message for one key: ChaCha20-Poly1305 (RFC 8439) and XChaCha20-Poly1305, with associated data. C face.

For handshakes and cookies; what has a key for many packets is `tunnel.crypto.aead`'s. Keys have 32
bytes, tags 16. Sealing returns False only without memory.
"""

from libc.stdint cimport uint8_t, uint32_t

cdef enum:
    KEY_SIZE = 32
    TAG_SIZE = 16
    NONCE_SIZE = 12
    XNONCE_SIZE = 24
    TEXT_MAX = 1 << 30        # bytes of one text: libcrypto takes an int


cdef bint oneshot_seal(
    const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_size,
    const uint8_t *plain, uint32_t size, uint8_t *sealed,
) noexcept nogil
cdef bint oneshot_open(
    const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_size,
    const uint8_t *sealed, uint32_t size, uint8_t *plain,
) noexcept nogil
cdef bint oneshot_xseal(
    const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_size,
    const uint8_t *plain, uint32_t size, uint8_t *sealed,
) noexcept nogil
cdef bint oneshot_xopen(
    const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_size,
    const uint8_t *sealed, uint32_t size, uint8_t *plain,
) noexcept nogil
