"""ChaCha20-Poly1305 of many packets in one call, in place, by one of two libraries.

    aead_seal, aead_open    what the chosen library does: _ipsec_mb_* here, libcrypto_* in ext/_libcrypto_aead.pxd
    aead_forget             nothing of a key stays behind
    Aead                    choosing a library, and proving it right before it is used
"""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from _ipsec_mb cimport IPSEC_MB_BUILT, ipsec_mb_chacha20_poly1305, ipsec_mb_free, ipsec_mb_new
from _libcrypto cimport CRYPTO_memcmp, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free, OPENSSL_cleanse
from _libcrypto_aead cimport libcrypto_context, libcrypto_open, libcrypto_seal

import os

from tunnel.errors import ConfigError

cdef enum:
    STACK = 65536             # what a call may have written to below its caller
    TEXT_MAX = 1 << 30        # bytes of one text: libcrypto takes an int
    LARGEST = 4096            # of the three texts that aead_forget seals

VARIABLE = "TUNNEL_AEAD"
LIBRARIES = ("ipsec-mb", "libcrypto")

# RFC 8439, A.5, whose tag would be eead9d67...1f38 with its associated data.
RFC_KEY = bytes.fromhex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0")
RFC_COUNTER = 0x0807060504030201
RFC_TEXT = (
    "Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or "
    "obsoleted by other documents at any time. It is inappropriate to use Internet-Drafts as reference "
    "material or to cite them other than as /\u201cwork in progress./\u201d"
).encode()
RFC_TAG = bytes.fromhex("6e3570b1acaaf1f24f2a644f01acd12b")


cdef void _ipsec_mb_seal(void *context, aead_job_t *jobs, uint32_t count) noexcept nogil:
    cdef uint8_t[AEAD_NONCE] nonce
    cdef aead_job_t *job
    cdef uint32_t i
    for i in range(count):
        job = &jobs[i]
        aead_nonce(nonce, job.counter)
        job.good = ipsec_mb_chacha20_poly1305(
            context, True, job.key, nonce, job.text, job.size, job.text + job.size
        )
        if not job.good:
            OPENSSL_cleanse(job.text, job.size + AEAD_TAG)


cdef void _ipsec_mb_open(void *context, aead_job_t *jobs, uint32_t count) noexcept nogil:
    cdef uint8_t[AEAD_NONCE] nonce
    cdef uint8_t[AEAD_TAG] tag
    cdef aead_job_t *job
    cdef uint32_t i
    for i in range(count):
        job = &jobs[i]
        aead_nonce(nonce, job.counter)
        job.good = (
            ipsec_mb_chacha20_poly1305(context, False, job.key, nonce, job.text, job.size, tag)
            and CRYPTO_memcmp(tag, job.text + job.size, AEAD_TAG) == 0
        )


cdef bint _load(aead_t *aead, bint ipsec_mb) noexcept nogil:
    """Make a library's contexts; False where it is not there, or not for this processor."""
    if ipsec_mb:
        aead.seal, aead.open = _ipsec_mb_seal, _ipsec_mb_open
        aead.sealing = aead.opening = ipsec_mb_new()
    else:
        aead.seal, aead.open = libcrypto_seal, libcrypto_open
        aead.sealing, aead.opening = libcrypto_context(1), libcrypto_context(0)
    return aead.sealing != NULL and aead.opening != NULL


cdef void _unload(aead_t *aead) noexcept nogil:
    if aead.seal == _ipsec_mb_seal:
        ipsec_mb_free(aead.sealing)
    else:
        EVP_CIPHER_CTX_free(<EVP_CIPHER_CTX *> aead.sealing)
        EVP_CIPHER_CTX_free(<EVP_CIPHER_CTX *> aead.opening)
    aead.sealing = aead.opening = NULL


cdef void aead_forget(aead_t *aead) noexcept nogil:
    """Leave nothing of any key in contexts, vector registers, or on this thread's stack.

    Texts of zeros under a key of zeros take the place of what the last packets left, by each of the
    libraries' loops (for short, middling and long texts); then 64 KiB of stack are overwritten.
    """
    cdef uint8_t[STACK] below
    cdef uint8_t[AEAD_KEY] key
    cdef uint8_t[LARGEST + AEAD_TAG] text
    cdef aead_job_t[3] jobs
    cdef int i
    memset(key, 0, sizeof(key))
    memset(text, 0, sizeof(text))
    for i in range(3):
        jobs[i].key = key
        jobs[i].counter = 0
        jobs[i].text = text
        jobs[i].size = LARGEST >> (3 * i)
    aead_seal(aead, jobs, 3)
    aead_open(aead, jobs, 3)
    OPENSSL_cleanse(below, sizeof(below))


cdef class Aead:
    """The contexts of one thread, by one library: see the stub."""

    def __cinit__(self, library=None):
        wanted = chosen() if library is None else _known("library", library)
        for name in LIBRARIES if wanted is None else (wanted,):
            if _load(&self.c, name == "ipsec-mb") and self._proved():
                self.library = name
                return
            _unload(&self.c)
        raise ConfigError(_why_not(wanted))

    def __init__(self, library=None):
        pass

    def __dealloc__(self):
        if self.c.sealing != NULL and self.c.opening != NULL:
            aead_forget(&self.c)
        _unload(&self.c)

    def _proved(self):
        sealed = self.seal(RFC_KEY, RFC_COUNTER, RFC_TEXT)
        return (
            sealed[-AEAD_TAG:] == RFC_TAG
            and self.open(RFC_KEY, RFC_COUNTER, sealed) == RFC_TEXT
            and self.open(RFC_KEY, RFC_COUNTER + 1, sealed) is None
        )

    def seal(self, bytes key not None, uint64_t counter, bytes text not None):
        """The ciphertext and its tag."""
        return self.seal_all([(key, counter, text)])[0]

    def open(self, bytes key not None, uint64_t counter, bytes text not None):
        """The plaintext, or None."""
        return self.open_all([(key, counter, text)])[0]

    def seal_all(self, packets):
        """``seal`` of each, in one call of the library."""
        cdef _Jobs jobs = _Jobs(list(packets), AEAD_TAG)
        with nogil:
            aead_seal(&self.c, jobs.c, jobs.count)
        return [bytes(buffer) for buffer in jobs.buffers]

    def open_all(self, packets):
        """``open`` of each, in one call of the library."""
        cdef _Jobs jobs = _Jobs(list(packets), 0)
        with nogil:
            aead_open(&self.c, jobs.c, jobs.count)
        return [jobs.opened(i) for i in range(jobs.count)]

    def forget(self):
        """Leave nothing of the keys that were used."""
        aead_forget(&self.c)


cdef class _Jobs:
    """Packets from Python, each in a buffer of its own with ``added`` bytes behind it."""

    cdef aead_job_t *c
    cdef uint32_t count
    cdef list packets, buffers

    def __cinit__(self, list packets, added):
        self.packets, self.buffers = packets, []
        self.c = <aead_job_t *> calloc(len(packets) + 1, sizeof(aead_job_t))
        if self.c == NULL:
            raise MemoryError("jobs to seal or to open")
        for key, counter, text in packets:
            if len(text) > TEXT_MAX:
                raise ValueError(f"at most {TEXT_MAX} bytes in one text, not {len(text)}")
            self._add(key, counter, bytearray(text) + bytes(max(added, AEAD_TAG - len(text))))

    def __dealloc__(self):
        free(self.c)

    cdef _add(self, bytes key, uint64_t counter, bytearray buffer):
        cdef aead_job_t *job = &self.c[self.count]
        cdef char *text = buffer
        if len(key) != AEAD_KEY:
            raise ValueError("a key has 32 bytes")
        job.key, job.counter = key, counter
        job.text, job.size = <uint8_t *> text, <uint32_t> (len(buffer) - AEAD_TAG)
        self.buffers.append(buffer)
        self.count += 1

    cdef opened(self, uint32_t i):
        whole = len(self.packets[i][2]) >= AEAD_TAG
        return bytes(self.buffers[i][:-AEAD_TAG]) if whole and self.c[i].good else None


def chosen():
    """The library that the environment asks for, or None."""
    name = os.environ.get(VARIABLE)
    return _known(VARIABLE, name) if name else None


def _known(where, name):
    if name not in LIBRARIES:
        raise ConfigError(f"{where}: {name!r}: one of {', '.join(LIBRARIES)} was expected")
    return name


def _why_not(library):
    """What to do where a library is not there, or failed to seal and open RFC 8439's text."""
    if library != "ipsec-mb":
        return "libcrypto has no right ChaCha20-Poly1305: let openssl.cnf load OpenSSL's default provider"
    if IPSEC_MB_BUILT:
        return f"ipsec-mb does not work on this processor: take libcrypto ({VARIABLE}=libcrypto, or unset it)"
    return "ipsec-mb was not built in: on x86-64 install libipsec-mb-dev, then `make clean build`; or take libcrypto"
