"""The running state of a Noise handshake: the chaining key and the transcript's hash. Header-only.

It is the SymmetricState of the Noise Protocol Framework (section 5.2), whose key seals one field here and is
wiped with it. All return False where a field does not authenticate, or libcrypto has no memory; the state is
worthless then, so work on a copy.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from tunnel.crypto.aead cimport aead_nonce
from tunnel.crypto.blake2s cimport blake2s_hash, blake2s_kdf
from tunnel.crypto.oneshot cimport NONCE_SIZE, TAG_SIZE, oneshot_open, oneshot_seal
from tunnel.secret cimport secret_wipe

cdef enum:
    HASH_SIZE = 32

ctypedef struct symmetric_t:
    uint8_t chain[32]
    uint8_t hash[32]
    uint8_t key[32]           # of the next field


cdef inline bint symmetric_mix_hash(symmetric_t *s, const uint8_t *field, uint32_t size) noexcept nogil:
    """H = HASH(H, field)."""
    return blake2s_hash(s.hash, HASH_SIZE, field, size, s.hash)


cdef inline bint symmetric_mix_key(symmetric_t *s, const uint8_t *input) noexcept nogil:
    """C = KDF1(C, input), of 32 bytes."""
    return blake2s_kdf(s.chain, HASH_SIZE, input, HASH_SIZE, 1, s.chain)


cdef inline bint symmetric_mix_ephemeral(symmetric_t *s, const uint8_t *public) noexcept nogil:
    """A public key that goes in the clear into both; with a preshared key, into C too (section 9.2)."""
    return symmetric_mix_key(s, public) and symmetric_mix_hash(s, public, HASH_SIZE)


cdef inline bint symmetric_key(symmetric_t *s, const uint8_t *input) noexcept nogil:
    """(C, key) = KDF2(C, input)."""
    cdef uint8_t[2 * HASH_SIZE] out
    cdef bint done = blake2s_kdf(s.chain, HASH_SIZE, input, HASH_SIZE, 2, out)
    memcpy(s.chain, out, HASH_SIZE)
    memcpy(s.key, out + HASH_SIZE, HASH_SIZE)
    secret_wipe(out, sizeof(out))
    return done


cdef inline bint symmetric_preshared(symmetric_t *s, const uint8_t *preshared) noexcept nogil:
    """(C, t, key) = KDF3(C, preshared), and t into H."""
    cdef uint8_t[3 * HASH_SIZE] out
    cdef bint done = (
        blake2s_kdf(s.chain, HASH_SIZE, preshared, HASH_SIZE, 3, out)
        and symmetric_mix_hash(s, out + HASH_SIZE, HASH_SIZE)
    )
    memcpy(s.chain, out, HASH_SIZE)
    memcpy(s.key, out + 2 * HASH_SIZE, HASH_SIZE)
    secret_wipe(out, sizeof(out))
    return done


cdef inline bint symmetric_seal(symmetric_t *s, const uint8_t *plain, uint32_t size, uint8_t *field) noexcept nogil:
    """A field of ``size`` bytes and a tag, under the key, H and counter 0, and the field into H."""
    cdef uint8_t[NONCE_SIZE] nonce
    cdef bint done
    aead_nonce(nonce, 0)
    done = oneshot_seal(s.key, nonce, s.hash, HASH_SIZE, plain, size, field)
    secret_wipe(s.key, HASH_SIZE)
    return done and symmetric_mix_hash(s, field, size + TAG_SIZE)


cdef inline bint symmetric_open(symmetric_t *s, const uint8_t *field, uint32_t size, uint8_t *plain) noexcept nogil:
    """The same the other way round; ``size`` is the plain text's."""
    cdef uint8_t[NONCE_SIZE] nonce
    cdef bint done
    aead_nonce(nonce, 0)
    done = oneshot_open(s.key, nonce, s.hash, HASH_SIZE, field, size, plain)
    secret_wipe(s.key, HASH_SIZE)
    return done and symmetric_mix_hash(s, field, size + TAG_SIZE)
