"""ChaCha20-Poly1305 (RFC 8439) of many packets in one call, in place, without associated data. C face.

Two libraries do the work: intel-ipsec-mb where it was built in, else libcrypto. The nonce is 4 zero
bytes and a counter of 8, little-endian; that no counter is used twice with a key is the caller's care.
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from tunnel.wire cimport put64le

cdef enum:
    AEAD_KEY = 32
    AEAD_TAG = 16
    AEAD_NONCE = 12

ctypedef struct aead_job_t:
    const uint8_t *key        # AEAD_KEY bytes, in the caller's memory
    uint64_t counter
    uint8_t *text             # in place; the tag lies, or will lie, at text + size
    uint32_t size             # bytes of plaintext, below 2^31; 0 is legal
    bint good                 # out: it was sealed, or its tag was right; else text is not to be used

ctypedef void (*aead_run_t)(void *context, aead_job_t *jobs, uint32_t count) noexcept nogil

ctypedef struct aead_t:       # belongs to one thread at a time
    aead_run_t seal
    aead_run_t open
    void *sealing             # the context that seal is given: the library's
    void *opening


cdef class Aead:
    cdef aead_t c
    cdef readonly str library


cdef inline void aead_nonce(uint8_t *nonce, uint64_t counter) noexcept nogil:
    memset(nonce, 0, 4)
    put64le(nonce + 4, counter)


cdef inline void aead_seal(aead_t *aead, aead_job_t *jobs, uint32_t count) noexcept nogil:
    """Encrypt each text and write its tag behind it. A text that could not be sealed is erased."""
    aead.seal(aead.sealing, jobs, count)


cdef inline void aead_open(aead_t *aead, aead_job_t *jobs, uint32_t count) noexcept nogil:
    """Decrypt each text, and say by ``good`` whether its tag was right."""
    aead.open(aead.opening, jobs, count)


cdef void aead_forget(aead_t *aead) noexcept nogil
