"""BLAKE2s by libcrypto: its keyed mode, and HMAC and HKDF over the plain one.

Contexts live for one call, so nothing is shared between threads and nothing keyed is left behind:
libcrypto wipes a hash's state in its last step.
"""

from libc.stdint cimport uint8_t, uint32_t

from _libcrypto cimport (
    EVP_MAC, EVP_MAC_CTX, EVP_MD, EVP_MD_CTX, OSSL_MAC_PARAM_SIZE, OSSL_PARAM, EVP_DigestFinal_ex,
    EVP_DigestInit_ex2, EVP_DigestUpdate, EVP_MAC_CTX_dup, EVP_MAC_CTX_free, EVP_MAC_CTX_new, EVP_MAC_fetch,
    EVP_MAC_final, EVP_MAC_init, EVP_MAC_update, EVP_MD_CTX_free, EVP_MD_CTX_new, EVP_MD_fetch, OPENSSL_cleanse,
    OSSL_PARAM_construct_end, OSSL_PARAM_construct_size_t,
)

cdef enum:
    BLOCK = 64
    INNER = 0x36              # RFC 2104
    OUTER = 0x5c
    COUNT_MAX = 3

cdef EVP_MD *MD = EVP_MD_fetch(NULL, "BLAKE2S-256", NULL)
cdef EVP_MAC *MAC = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL)
if MD == NULL or MAC == NULL:
    raise ImportError("libcrypto has no BLAKE2s: its default provider is needed")


cdef inline bint digest_parts(
    EVP_MD_CTX *context, const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
    uint8_t last, uint8_t *digest,
) noexcept nogil:
    """The hash of two strings in a row, and of the byte ``last`` behind them where it is not 0."""
    return (
        EVP_DigestInit_ex2(context, MD, NULL) == 1
        and EVP_DigestUpdate(context, one, one_size) == 1
        and EVP_DigestUpdate(context, other, other_size) == 1
        and EVP_DigestUpdate(context, &last, last != 0) == 1
        and EVP_DigestFinal_ex(context, digest, NULL) == 1
    )


cdef bint blake2s_hash(
    const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size, uint8_t *digest,
) noexcept nogil:
    """32 bytes: the hash of two strings in a row."""
    cdef EVP_MD_CTX *context = EVP_MD_CTX_new()
    cdef bint done = context != NULL and digest_parts(context, one, one_size, other, other_size, 0, digest)
    EVP_MD_CTX_free(context)
    return done


cdef bint hmac(
    EVP_MD_CTX *context, const uint8_t *key, size_t key_size, const uint8_t *input, size_t size, uint8_t last,
    uint8_t *mac,
) noexcept nogil:
    """HMAC (RFC 2104) of the input, and of the byte ``last`` behind it where it is not 0; a key of up to 64 bytes."""
    cdef uint8_t[BLOCK] pad
    cdef uint8_t[BLAKE2S_SIZE] inner
    cdef uint32_t i
    cdef bint done
    for i in range(BLOCK):
        pad[i] = INNER ^ (key[i] if i < key_size else 0)
    done = digest_parts(context, pad, BLOCK, input, size, last, inner)
    for i in range(BLOCK):
        pad[i] ^= INNER ^ OUTER
    done = done and digest_parts(context, pad, BLOCK, inner, BLAKE2S_SIZE, 0, mac)
    OPENSSL_cleanse(pad, BLOCK)
    OPENSSL_cleanse(inner, BLAKE2S_SIZE)
    return done


cdef bint blake2s_kdf(
    const uint8_t *key, size_t key_size, const uint8_t *input, size_t size, uint32_t count, uint8_t *out,
) noexcept nogil:
    """KDF1 to KDF3: the first ``count`` outputs of HKDF (RFC 5869) without info, 32 bytes each.

    ``key`` has up to 64 bytes; ``out`` may begin at ``key``.
    """
    cdef uint8_t[BLAKE2S_SIZE] secret
    cdef EVP_MD_CTX *context = EVP_MD_CTX_new()
    cdef uint32_t i
    cdef bint done = context != NULL and hmac(context, key, key_size, input, size, 0, secret)
    for i in range(count):
        done = done and hmac(
            context, secret, BLAKE2S_SIZE, out + BLAKE2S_SIZE * (i - 1) if i else NULL, BLAKE2S_SIZE if i else 0,
            <uint8_t> (i + 1), out + BLAKE2S_SIZE * i,
        )
    EVP_MD_CTX_free(context)
    OPENSSL_cleanse(secret, BLAKE2S_SIZE)
    return done


cdef void *blake2s_keyed(const uint8_t *key, size_t size) noexcept nogil:
    """A key of up to 32 bytes made ready for ``blake2s_mac_by``; NULL without memory."""
    cdef size_t mac_size = BLAKE2S_MAC_SIZE
    cdef OSSL_PARAM[2] params
    cdef EVP_MAC_CTX *context = EVP_MAC_CTX_new(MAC)
    params[0] = OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &mac_size)
    params[1] = OSSL_PARAM_construct_end()
    if context != NULL and EVP_MAC_init(context, key, size, params) != 1:
        EVP_MAC_CTX_free(context)
        return NULL
    return context


cdef void blake2s_keyed_free(void *keyed) noexcept nogil:
    """The key is wiped, but not libcrypto's buffer in which it waits: for keys that are no secret."""
    EVP_MAC_CTX_free(<EVP_MAC_CTX *> keyed)


cdef inline bint finish(EVP_MAC_CTX *context, const uint8_t *input, size_t size, uint8_t *mac) noexcept nogil:
    cdef size_t written
    cdef bint done = (
        context != NULL
        and EVP_MAC_update(context, input, size) == 1
        and EVP_MAC_final(context, mac, &written, BLAKE2S_MAC_SIZE) == 1
    )
    EVP_MAC_CTX_free(context)
    return done


cdef bint blake2s_mac_by(const void *keyed, const uint8_t *input, size_t size, uint8_t *mac) noexcept nogil:
    """16 bytes: keyed BLAKE2s of the input. A copy of a ready key costs less than setting it."""
    return finish(EVP_MAC_CTX_dup(<const EVP_MAC_CTX *> keyed), input, size, mac)


cdef bint blake2s_mac(
    const uint8_t *key, size_t key_size, const uint8_t *input, size_t size, uint8_t *mac,
) noexcept nogil:
    """The same with a key of up to 32 bytes, which is wiped everywhere."""
    return finish(<EVP_MAC_CTX *> blake2s_keyed(key, key_size), input, size, mac)


def digest(bytes content not None):
    """The hash, 32 bytes."""
    cdef uint8_t[BLAKE2S_SIZE] out
    if not blake2s_hash(content, len(content), NULL, 0, out):
        raise MemoryError("libcrypto")
    return out[:BLAKE2S_SIZE]


def mac(bytes key not None, bytes content not None):
    """Keyed BLAKE2s, 16 bytes; a key of 1 to 32 bytes."""
    cdef uint8_t[BLAKE2S_MAC_SIZE] out
    if not 1 <= len(key) <= BLAKE2S_SIZE:
        raise ValueError(f"a key has 1 to 32 bytes, not {len(key)}")
    if not blake2s_mac(key, len(key), content, len(content), out):
        raise MemoryError("libcrypto")
    return out[:BLAKE2S_MAC_SIZE]


def kdf(bytes key not None, bytes content not None, uint32_t count):
    """The first ``count`` outputs, 1 to 3, of HKDF with HMAC over BLAKE2s; a key of up to 64 bytes."""
    cdef uint8_t[COUNT_MAX * BLAKE2S_SIZE] out
    if len(key) > BLOCK or not 1 <= count <= COUNT_MAX:
        raise ValueError(f"a key of up to 64 bytes, not {len(key)}; 1 to 3 outputs, not {count}")
    if not blake2s_kdf(key, len(key), content, len(content), count, out):
        raise MemoryError("libcrypto")
    return tuple([out[BLAKE2S_SIZE * i:BLAKE2S_SIZE * (i + 1)] for i in range(count)])
