"""X25519 by libcrypto. Its key objects live for one call, and it wipes them when they go."""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from _libcrypto cimport (
    EVP_PKEY, EVP_PKEY_CTX, EVP_PKEY_KEYPAIR, OSSL_PARAM, OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_PUB_KEY,
    ERR_clear_error, EVP_PKEY_CTX_free, EVP_PKEY_CTX_new, EVP_PKEY_CTX_new_from_name, EVP_PKEY_derive,
    EVP_PKEY_derive_init, EVP_PKEY_derive_set_peer_ex, EVP_PKEY_free, EVP_PKEY_fromdata, EVP_PKEY_fromdata_init,
    EVP_PKEY_get_raw_public_key, EVP_PKEY_new_raw_private_key_ex, EVP_PKEY_new_raw_public_key_ex, OPENSSL_cleanse,
    OSSL_PARAM_construct_end, OSSL_PARAM_construct_octet_string, RAND_priv_bytes,
)


cdef bint x25519_public(const uint8_t *private, uint8_t *public) noexcept nogil:
    """The public key of a private one; False only without memory."""
    cdef size_t size = X25519_SIZE
    cdef EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", NULL, private, X25519_SIZE)
    cdef bint done = key != NULL and EVP_PKEY_get_raw_public_key(key, public, &size) == 1
    EVP_PKEY_free(key)
    return done


cdef bint x25519_generate(const uint8_t *entropy, uint8_t *private, uint8_t *public) noexcept nogil:
    """A fresh pair from 32 bytes of entropy, or from libcrypto's where that is NULL; False only without either."""
    if entropy != NULL:
        memcpy(private, entropy, X25519_SIZE)
    elif RAND_priv_bytes(private, X25519_SIZE) != 1:
        return False
    x25519_clamp(private)
    return x25519_public(private, public)


cdef EVP_PKEY *own_key(const uint8_t *private, const uint8_t *public) noexcept nogil:
    """With both halves given, libcrypto does not compute the public one again, which takes as long as a DH."""
    cdef EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL)
    cdef EVP_PKEY *key = NULL
    cdef OSSL_PARAM[3] params
    params[0] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, <void *> private, X25519_SIZE)
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, <void *> public, X25519_SIZE)
    params[2] = OSSL_PARAM_construct_end()
    if context != NULL and EVP_PKEY_fromdata_init(context) == 1:
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params)
    EVP_PKEY_CTX_free(context)
    return key


cdef inline bint derive(EVP_PKEY *own, EVP_PKEY *peer, uint8_t *secret) noexcept nogil:
    cdef size_t size = X25519_SIZE
    cdef EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL) if own != NULL else NULL
    cdef bint done = (
        context != NULL and peer != NULL
        and EVP_PKEY_derive_init(context) == 1
        and EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1
        and EVP_PKEY_derive(context, secret, &size) == 1
    )
    EVP_PKEY_CTX_free(context)
    return done


cdef bint x25519_shared(
    const uint8_t *private, const uint8_t *public, const uint8_t *remote, uint8_t *secret,
) noexcept nogil:
    """The shared secret of the key pair and the remote public key.

    False where it is all zero, for ``remote`` is of low order then (section 6.1), or without memory;
    ``secret`` is zeroed then.
    """
    cdef EVP_PKEY *own = own_key(private, public)
    cdef EVP_PKEY *peer = EVP_PKEY_new_raw_public_key_ex(NULL, "X25519", NULL, remote, X25519_SIZE)
    cdef bint done = derive(own, peer, secret)
    EVP_PKEY_free(own)
    EVP_PKEY_free(peer)
    if not done:
        OPENSSL_cleanse(secret, X25519_SIZE)
        ERR_clear_error()
    return done


def public(bytes private not None):
    """The public key of a private one, clamped or not."""
    cdef uint8_t[X25519_SIZE] out
    if len(private) != X25519_SIZE:
        raise ValueError(f"a private key has 32 bytes, not {len(private)}")
    if not x25519_public(private, out):
        raise MemoryError("libcrypto")
    return out[:X25519_SIZE]


def shared(bytes private not None, bytes remote not None):
    """The shared secret, for tests and tools; None where it is all zero."""
    cdef uint8_t[X25519_SIZE] out
    cdef bytes own
    if len(private) != X25519_SIZE or len(remote) != X25519_SIZE:
        raise ValueError(f"keys have 32 bytes, not {len(private)} and {len(remote)}")
    own = public(private)
    if not x25519_shared(private, own, remote, out):
        return None
    return out[:X25519_SIZE]
