"""X25519 (RFC 7748). C face. All keys have 32 bytes."""

from libc.stdint cimport uint8_t

cdef enum:
    X25519_SIZE = 32


cdef inline void x25519_clamp(uint8_t *private) noexcept nogil:
    """The bits that every private key has in common (RFC 7748 section 5)."""
    private[0] &= 248
    private[31] = (private[31] & 127) | 64


cdef bint x25519_public(const uint8_t *private, uint8_t *public) noexcept nogil
cdef bint x25519_shared(
    const uint8_t *private, const uint8_t *public, const uint8_t *remote, uint8_t *secret,
) noexcept nogil
cdef bint x25519_generate(const uint8_t *entropy, uint8_t *private, uint8_t *public) noexcept nogil
