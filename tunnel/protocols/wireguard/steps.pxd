"""The fields of the handshake's two messages, written and read: the steps of the protocol. Header-only.

Each advances ``run``, which the caller throws away where False comes back: the message does not
authenticate, a shared secret is all zero, or libcrypto has no memory. Steps are numbered as in
https://www.wireguard.com/protocol/; all keys have 32 bytes.
"""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from tunnel.crypto.blake2s cimport blake2s_hash
from tunnel.crypto.x25519 cimport x25519_shared
from tunnel.protocols.wireguard.layout cimport (
    INITIATION_EPHEMERAL, INITIATION_STATIC, INITIATION_TIMESTAMP, KEY_SIZE, RESPONSE_EMPTY, RESPONSE_EPHEMERAL,
    TIMESTAMP_SIZE,
)
from tunnel.protocols.wireguard.symmetric cimport (
    symmetric_key, symmetric_mix_ephemeral, symmetric_mix_hash, symmetric_mix_key, symmetric_open,
    symmetric_preshared, symmetric_seal, symmetric_t,
)
from tunnel.secret cimport secret_wipe

ctypedef struct pair_t:
    uint8_t private[32]
    uint8_t public[32]


cdef inline bint steps_first(symmetric_t *run) noexcept nogil:
    """C0 and H0, with which every handshake begins: constants."""
    cdef const uint8_t *construction = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
    cdef const uint8_t *identifier = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
    return (
        blake2s_hash(construction, 37, NULL, 0, run.chain)
        and blake2s_hash(run.chain, KEY_SIZE, identifier, 34, run.hash)
    )


cdef inline bint steps_mix_dh(symmetric_t *run, const pair_t *own, const uint8_t *remote) noexcept nogil:
    """C = KDF1(C, DH(own, remote))."""
    cdef uint8_t[KEY_SIZE] dh
    cdef bint done = x25519_shared(own.private, own.public, remote, dh) and symmetric_mix_key(run, dh)
    secret_wipe(dh, KEY_SIZE)
    return done


cdef inline bint steps_key_dh(symmetric_t *run, const pair_t *own, const uint8_t *remote) noexcept nogil:
    """(C, key) = KDF2(C, DH(own, remote))."""
    cdef uint8_t[KEY_SIZE] dh
    cdef bint done = x25519_shared(own.private, own.public, remote, dh) and symmetric_key(run, dh)
    secret_wipe(dh, KEY_SIZE)
    return done


cdef inline bint steps_begin(symmetric_t *run, const uint8_t *responder, const uint8_t *ephemeral) noexcept nogil:
    """Steps 0 and 1 of the initiation; ``run`` is C0 and H0."""
    return symmetric_mix_hash(run, responder, KEY_SIZE) and symmetric_mix_ephemeral(run, ephemeral)


cdef inline bint steps_write_initiation(
    symmetric_t *run, const pair_t *own, const pair_t *ephemeral, const uint8_t *remote,
    const uint8_t *static_static, const uint8_t *timestamp, uint8_t *message,
) noexcept nogil:
    """Steps 0 to 3: the fields behind the sender's index."""
    cdef bint done = (
        steps_begin(run, remote, ephemeral.public)
        and steps_key_dh(run, ephemeral, remote)
        and symmetric_seal(run, own.public, KEY_SIZE, message + INITIATION_STATIC)
        and symmetric_key(run, static_static)
        and symmetric_seal(run, timestamp, TIMESTAMP_SIZE, message + INITIATION_TIMESTAMP)
    )
    memcpy(message + INITIATION_EPHEMERAL, ephemeral.public, KEY_SIZE)
    return done


cdef inline bint steps_read_static(
    symmetric_t *run, const pair_t *own, const uint8_t *message, uint8_t *remote,
) noexcept nogil:
    """Steps 0 to 2: ``remote`` becomes the static key of whoever made the initiation."""
    cdef const uint8_t *ephemeral = message + INITIATION_EPHEMERAL
    return (
        steps_begin(run, own.public, ephemeral)
        and steps_key_dh(run, own, ephemeral)
        and symmetric_open(run, message + INITIATION_STATIC, KEY_SIZE, remote)
    )


cdef inline bint steps_read_timestamp(
    symmetric_t *run, const uint8_t *static_static, const uint8_t *sealed, uint8_t *timestamp,
) noexcept nogil:
    """Step 3."""
    return symmetric_key(run, static_static) and symmetric_open(run, sealed, TIMESTAMP_SIZE, timestamp)


cdef inline bint steps_write_response(
    symmetric_t *run, const pair_t *ephemeral, const uint8_t *remote_ephemeral, const uint8_t *remote,
    const uint8_t *preshared, uint8_t *message,
) noexcept nogil:
    """Steps 1 to 5 of the response: the fields behind the indices."""
    cdef bint done = (
        symmetric_mix_ephemeral(run, ephemeral.public)
        and steps_mix_dh(run, ephemeral, remote_ephemeral)
        and steps_mix_dh(run, ephemeral, remote)
        and symmetric_preshared(run, preshared)
        and symmetric_seal(run, NULL, 0, message + RESPONSE_EMPTY)
    )
    memcpy(message + RESPONSE_EPHEMERAL, ephemeral.public, KEY_SIZE)
    return done


cdef inline bint steps_read_response(
    symmetric_t *run, const pair_t *own, const pair_t *ephemeral, const uint8_t *preshared, const uint8_t *message,
) noexcept nogil:
    """The same for the initiator."""
    cdef const uint8_t *remote_ephemeral = message + RESPONSE_EPHEMERAL
    return (
        symmetric_mix_ephemeral(run, remote_ephemeral)
        and steps_mix_dh(run, ephemeral, remote_ephemeral)
        and steps_mix_dh(run, own, remote_ephemeral)
        and symmetric_preshared(run, preshared)
        and symmetric_open(run, message + RESPONSE_EMPTY, 0, NULL)
    )
