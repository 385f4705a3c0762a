"""The one handshake slot of a peer: its states, and what leads from one to the next. Header-only.

``entropy`` of an ephemeral key is 32 bytes, or NULL: libcrypto's.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from tunnel.crypto.x25519 cimport x25519_generate
from tunnel.protocols.wireguard.layout cimport (
    KEY_SIZE, RESPONSE_RECEIVER, SENDER, TYPE_INITIATION, TYPE_RESPONSE,
)
from tunnel.protocols.wireguard.steps cimport (
    pair_t, steps_read_response, steps_write_initiation, steps_write_response,
)
from tunnel.protocols.wireguard.symmetric cimport symmetric_t
from tunnel.secret cimport secret_wipe
from tunnel.wire cimport le32, put32le

cdef enum:
    NOISE_ZEROED = 0
    NOISE_INITIATION_CREATED = 1
    NOISE_INITIATION_CONSUMED = 2
    NOISE_RESPONSE_CREATED = 3
    NOISE_RESPONSE_CONSUMED = 4

ctypedef struct noise_t:
    symmetric_t run
    pair_t ephemeral
    uint8_t remote_ephemeral[32]
    uint8_t remote[32]            # the peer's static key
    uint8_t static_static[32]     # shared by the identity and the peer
    uint8_t preshared[32]         # zero: none
    const pair_t *identity        # NULL: none
    uint32_t local_index
    uint32_t remote_index
    uint8_t state                 # NOISE_...
    bint possible                 # there is an identity, and static_static is not zero
    bint initiator                # of the handshake that the state is of, or was before it was derived

ctypedef struct opened_t:         # an initiation whose static key authenticates
    symmetric_t run               # after step 2
    symmetric_t accepted          # after step 3, where a slot has accepted it
    uint8_t remote_ephemeral[32]
    uint8_t remote[32]
    uint8_t timestamp[28]         # sealed
    uint32_t sender


cdef inline void noise_clear(noise_t *noise) noexcept nogil:
    """Erase what the handshake has made of the slot; keys that were configured stay, and the role."""
    secret_wipe(&noise.run, sizeof(symmetric_t))
    secret_wipe(&noise.ephemeral, sizeof(pair_t))
    secret_wipe(noise.remote_ephemeral, KEY_SIZE)
    noise.local_index = 0
    noise.remote_index = 0
    noise.state = NOISE_ZEROED


cdef inline bint noise_initiate(
    noise_t *noise, const symmetric_t *first, uint32_t index, const uint8_t *timestamp, const uint8_t *entropy,
    uint8_t *message,
) noexcept nogil:
    """The whole message but for its macs; ``first`` is C0 and H0. On failure the slot is empty."""
    noise_clear(noise)
    noise.run = first[0]
    put32le(message, TYPE_INITIATION)
    put32le(message + SENDER, index)
    if not (x25519_generate(entropy, noise.ephemeral.private, noise.ephemeral.public) and steps_write_initiation(
        &noise.run, noise.identity, &noise.ephemeral, noise.remote, noise.static_static, timestamp, message,
    )):
        noise_clear(noise)
        return False
    noise.state = NOISE_INITIATION_CREATED
    noise.initiator = True
    noise.local_index = index
    return True


cdef inline void noise_commit(noise_t *noise, const opened_t *opened) noexcept nogil:
    """The slot is the accepted initiation's."""
    noise_clear(noise)
    noise.run = opened.accepted
    memcpy(noise.remote_ephemeral, opened.remote_ephemeral, KEY_SIZE)
    noise.remote_index = opened.sender
    noise.state = NOISE_INITIATION_CONSUMED
    noise.initiator = False


cdef inline bint noise_respond(noise_t *noise, uint32_t index, const uint8_t *entropy, uint8_t *message) noexcept nogil:
    """The whole message but for its macs; on failure the slot is empty."""
    put32le(message, TYPE_RESPONSE)
    put32le(message + SENDER, index)
    put32le(message + RESPONSE_RECEIVER, noise.remote_index)
    if not (x25519_generate(entropy, noise.ephemeral.private, noise.ephemeral.public) and steps_write_response(
        &noise.run, &noise.ephemeral, noise.remote_ephemeral, noise.remote, noise.preshared, message,
    )):
        noise_clear(noise)
        return False
    noise.state = NOISE_RESPONSE_CREATED
    noise.local_index = index
    return True


cdef inline bint noise_read_response(noise_t *noise, const uint8_t *message) noexcept nogil:
    """Whether it answers the slot's initiation; the slot changes only then."""
    cdef symmetric_t run = noise.run
    cdef bint done = (
        noise.state == NOISE_INITIATION_CREATED
        and le32(message) == TYPE_RESPONSE
        and le32(message + RESPONSE_RECEIVER) == noise.local_index
        and steps_read_response(&run, noise.identity, &noise.ephemeral, noise.preshared, message)
    )
    if done:
        noise.run = run
        noise.remote_index = le32(message + SENDER)
        noise.state = NOISE_RESPONSE_CONSUMED
    secret_wipe(&run, sizeof(run))
    return done
