"""ChaCha20-Poly1305 by libcrypto with a context for one message, and the extended nonce on top of it.

XChaCha20 is draft-irtf-cfrg-xchacha-03; its HChaCha20 (section 2.2) is the one step that libcrypto lacks.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset

from _libcrypto cimport (
    EVP_CIPHER, EVP_CIPHER_CTX, EVP_CTRL_AEAD_GET_TAG, EVP_CTRL_AEAD_SET_TAG, ERR_clear_error,
    EVP_CIPHER_CTX_ctrl, EVP_CIPHER_CTX_free, EVP_CIPHER_CTX_new, EVP_CIPHER_fetch, EVP_CipherFinal_ex,
    EVP_CipherInit_ex2, EVP_CipherUpdate, OPENSSL_cleanse,
)

from tunnel.wire cimport le32, put32le

cdef enum:
    ROUNDS = 20
    WORDS = 16

ctypedef bint (*oneshot_t)(
    const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_size,
    const uint8_t *text, uint32_t size, uint8_t *out,
) noexcept nogil

cdef EVP_CIPHER *CIPHER = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL)
if CIPHER == NULL:
    raise ImportError("libcrypto has no ChaCha20-Poly1305: its default provider is needed")


cdef inline bint update(EVP_CIPHER_CTX *context, uint8_t *to, const uint8_t *at, uint32_t size) noexcept nogil:
    """Nothing is nothing: libcrypto takes an empty string for an error or for the end."""
    cdef int written
    return size == 0 or EVP_CipherUpdate(context, to, &written, at, <int> size) == 1


cdef inline bint finish(EVP_CIPHER_CTX *context) noexcept nogil:
    cdef uint8_t[TAG_SIZE] nothing
    cdef int written
    return EVP_CipherFinal_ex(context, nothing, &written) == 1


cdef bint oneshot_seal(
    const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_size,
    const uint8_t *plain, uint32_t size, uint8_t *sealed,
) noexcept nogil:
    """``size`` bytes of ciphertext and the tag; ``nonce`` has 12 bytes."""
    cdef EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new()
    cdef bint done = (
        context != NULL
        and EVP_CipherInit_ex2(context, CIPHER, key, nonce, 1, NULL) == 1
        and update(context, NULL, aad, aad_size)
        and update(context, sealed, plain, size)
        and finish(context)
        and EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, sealed + size) == 1
    )
    EVP_CIPHER_CTX_free(context)
    return done


cdef bint oneshot_open(
    const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_size,
    const uint8_t *sealed, uint32_t size, uint8_t *plain,
) noexcept nogil:
    """``size`` bytes without the tag behind them. False where they do not authenticate: ``plain`` is zeroed."""
    cdef EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new()
    cdef bint done = (
        context != NULL
        and EVP_CipherInit_ex2(context, CIPHER, key, nonce, 0, NULL) == 1
        and update(context, NULL, aad, aad_size)
        and update(context, plain, sealed, size)
        and EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG_SIZE, <void *> (sealed + size)) == 1
        and finish(context)
    )
    EVP_CIPHER_CTX_free(context)
    if not done:
        OPENSSL_cleanse(plain, size)
        ERR_clear_error()
    return done


cdef inline uint32_t turn(uint32_t word, int by) noexcept nogil:
    return word << by | word >> (32 - by)


cdef inline void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d) noexcept nogil:
    """RFC 8439 section 2.1."""
    a[0] += b[0]
    d[0] = turn(d[0] ^ a[0], 16)
    c[0] += d[0]
    b[0] = turn(b[0] ^ c[0], 12)
    a[0] += b[0]
    d[0] = turn(d[0] ^ a[0], 8)
    c[0] += d[0]
    b[0] = turn(b[0] ^ c[0], 7)


cdef void hchacha20_subkey(const uint8_t *key, const uint8_t *nonce, uint8_t *subkey) noexcept nogil:
    """From a key and 16 bytes of nonce: the first and last row of the state after its 20 rounds."""
    cdef const uint8_t *sigma = b"expand 32-byte k"
    cdef uint32_t[WORDS] s
    cdef int i, j, _
    for i in range(4):
        s[i] = le32(sigma + 4 * i)
        s[i + 4] = le32(key + 4 * i)
        s[i + 8] = le32(key + 16 + 4 * i)
        s[i + 12] = le32(nonce + 4 * i)
    for _ in range(ROUNDS // 2):
        for j in range(4):
            quarter(&s[j], &s[4 + j], &s[8 + j], &s[12 + j])
        for j in range(4):
            quarter(&s[j], &s[4 + (j + 1) % 4], &s[8 + (j + 2) % 4], &s[12 + (j + 3) % 4])
    for i in range(4):
        put32le(subkey + 4 * i, s[i])
        put32le(subkey + 16 + 4 * i, s[12 + i])
    OPENSSL_cleanse(s, sizeof(s))


cdef bint extended(
    oneshot_t run, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_size,
    const uint8_t *text, uint32_t size, uint8_t *out,
) noexcept nogil:
    """``run`` by a subkey, and by the last 8 of 24 bytes of nonce."""
    cdef uint8_t[KEY_SIZE] subkey
    cdef uint8_t[NONCE_SIZE] inner
    cdef bint done
    hchacha20_subkey(key, nonce, subkey)
    memset(inner, 0, 4)
    memcpy(inner + 4, nonce + 16, 8)
    done = run(subkey, inner, aad, aad_size, text, size, out)
    OPENSSL_cleanse(subkey, KEY_SIZE)
    return done


cdef bint oneshot_xseal(
    const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_size,
    const uint8_t *plain, uint32_t size, uint8_t *sealed,
) noexcept nogil:
    """``oneshot_seal`` with a nonce of 24 bytes."""
    return extended(oneshot_seal, key, nonce, aad, aad_size, plain, size, sealed)


cdef bint oneshot_xopen(
    const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, uint32_t aad_size,
    const uint8_t *sealed, uint32_t size, uint8_t *plain,
) noexcept nogil:
    """``oneshot_open`` with a nonce of 24 bytes."""
    return extended(oneshot_open, key, nonce, aad, aad_size, sealed, size, plain)


cdef check(bytes key, bytes nonce, tuple sizes):
    if len(key) != KEY_SIZE or len(nonce) not in sizes:
        raise ValueError(f"a key of 32 bytes and a nonce of {sizes}: not {len(key)} and {len(nonce)}")


cdef uint32_t size_of(bytes text) except? 0:
    """``ValueError`` above TEXT_MAX, which libcrypto would take for a negative number."""
    if len(text) > TEXT_MAX:
        raise ValueError(f"at most {TEXT_MAX} bytes in one message, not {len(text)}")
    return <uint32_t> len(text)


def hchacha20(bytes key not None, bytes nonce not None):
    """The subkey, 32 bytes, of a key of 32 and a nonce of 16."""
    cdef uint8_t[KEY_SIZE] subkey
    check(key, nonce, (16,))
    hchacha20_subkey(key, nonce, subkey)
    return subkey[:KEY_SIZE]


def seal(bytes key not None, bytes nonce not None, bytes aad not None, bytes plain not None):
    """Ciphertext and tag; a nonce of 12 bytes, or of 24 for XChaCha20-Poly1305. ``ValueError`` above 1 GiB."""
    cdef uint32_t aad_size = size_of(aad), size = size_of(plain)
    cdef oneshot_t run = oneshot_seal if len(nonce) == NONCE_SIZE else oneshot_xseal
    cdef bytearray sealed
    check(key, nonce, (NONCE_SIZE, XNONCE_SIZE))
    sealed = bytearray(size + TAG_SIZE)
    if not run(key, nonce, aad, aad_size, plain, size, sealed):
        raise MemoryError("libcrypto")
    return bytes(sealed)


def unseal(bytes key not None, bytes nonce not None, bytes aad not None, bytes sealed not None):
    """The plain text; None where it does not authenticate. ``ValueError`` above 1 GiB."""
    cdef uint32_t aad_size = size_of(aad), size = size_of(sealed)
    cdef oneshot_t run = oneshot_open if len(nonce) == NONCE_SIZE else oneshot_xopen
    cdef bytearray plain
    check(key, nonce, (NONCE_SIZE, XNONCE_SIZE))
    if size < TAG_SIZE:
        return None
    size -= TAG_SIZE
    plain = bytearray(size)
    return bytes(plain) if run(key, nonce, aad, aad_size, sealed, size, plain) else None
