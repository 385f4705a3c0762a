"""The two keys of a session as an object that seals and opens, so that nobody has to see them."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from tunnel.crypto.aead cimport aead_nonce
from tunnel.crypto.oneshot cimport NONCE_SIZE, TAG_SIZE, TEXT_MAX, oneshot_open, oneshot_seal
from tunnel.secret cimport secret_free, secret_make, secret_scrub_stack


cdef check(bytes text):
    if len(text) > TEXT_MAX:
        raise ValueError(f"a packet of {len(text)} bytes")


cdef class Session:
    """The keys of one session, both ways, for tests and tools. Made by `Handshake.session`.

    It counts nothing and remembers nothing: counters are the caller's, and so is replay.
    """

    def __cinit__(self):
        self.c = <session_t *> secret_make(sizeof(session_t))

    def __dealloc__(self):
        secret_free(self.c, sizeof(session_t))

    def seal(self, uint64_t counter, bytes plain not None):
        """Ciphertext and tag of a packet that is sent with this counter."""
        cdef uint8_t[NONCE_SIZE] nonce
        cdef bytearray sealed
        check(plain)
        sealed = bytearray(len(plain) + TAG_SIZE)
        aead_nonce(nonce, counter)
        if not oneshot_seal(self.c.send, nonce, NULL, 0, plain, <uint32_t> len(plain), sealed):
            raise MemoryError("libcrypto")
        secret_scrub_stack()
        return bytes(sealed)

    def open(self, uint64_t counter, bytes sealed not None):
        """The packet that came with this counter; None where it does not authenticate."""
        cdef uint8_t[NONCE_SIZE] nonce
        cdef bytearray plain
        cdef bint done
        check(sealed)
        if len(sealed) < TAG_SIZE:
            return None
        plain = bytearray(len(sealed) - TAG_SIZE)
        aead_nonce(nonce, counter)
        done = oneshot_open(self.c.receive, nonce, NULL, 0, sealed, <uint32_t> len(plain), plain)
        secret_scrub_stack()
        return bytes(plain) if done else None
