"""The two macs that end every handshake message, and the cookies that keep a flood from costing a DH. C face.

`checker_t` is for messages that come to a device, `stamper_t` for those that it sends to one peer. Times
are of one monotonic clock. A source is 4 or 16 bytes of address, then the port big-endian.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

ctypedef struct checker_t:
    void *mac1                # keyed by the device's public key
    uint8_t reply_key[32]
    uint8_t secret[32]
    uint64_t secret_ns        # when it was drawn
    bint has_secret

ctypedef struct stamper_t:
    uint8_t mac1_key[32]
    uint8_t reply_key[32]
    uint8_t mac1[16]          # of the last message stamped
    uint8_t cookie[16]
    uint64_t cookie_ns        # when it came
    bint has_mac1
    bint has_cookie


cdef class Checker:
    cdef checker_t *c


cdef class Stamper:
    cdef stamper_t *c


cdef bint checker_mac1(checker_t *checker, const uint8_t *message, uint32_t size) noexcept nogil
cdef bint checker_mac2(
    checker_t *checker, const uint8_t *message, uint32_t size, const uint8_t *source, uint32_t source_size,
    uint64_t now_ns,
) noexcept nogil
cdef bint checker_reply(
    checker_t *checker, const uint8_t *message, uint32_t size, const uint8_t *source, uint32_t source_size,
    const uint8_t *nonce, uint64_t now_ns, uint8_t *reply,
) noexcept nogil
