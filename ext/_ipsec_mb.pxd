"""intel-ipsec-mb; private to ext/. A module that cimports this is linked with it where it is there (setup.py)."""

from libc.stdint cimport uint8_t, uint32_t

cdef extern from "_ipsec_mb.h" nogil:
    enum: IPSEC_MB_BUILT
    void *ipsec_mb_new()
    void ipsec_mb_free(void *manager)
    int ipsec_mb_chacha20_poly1305(
        void *manager, int encrypt, const uint8_t *key, const uint8_t *nonce,
        uint8_t *text, uint32_t size, uint8_t *tag)
