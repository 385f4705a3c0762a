"""The handshake of WireGuard (https://www.wireguard.com/protocol/), after the Noise Protocol Framework, IKpsk2.

    initiator                                       responder
    initiate   E_i, static, timestamp          ──▶  Identity.open    whose it is
                                                    accept, commit   when it was made; the slot changes here
    read_response                              ◀──  respond          E_r, empty
    derive                                          derive

What is read works on a copy of the running state, which replaces it only when the message is whole.
Neither clock nor socket; entropy is libcrypto's unless it is given.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcmp, memcpy, memset

from _sized cimport sized
from tunnel.crypto.blake2s cimport blake2s_kdf
from tunnel.crypto.x25519 cimport x25519_shared
from tunnel.protocols.wireguard.identity cimport Opened, identity_first
from tunnel.protocols.wireguard.layout cimport INITIATION_SIZE, KEY_SIZE, RESPONSE_SIZE, TIMESTAMP_SIZE
from tunnel.protocols.wireguard.session cimport Session
from tunnel.protocols.wireguard.slot cimport (
    NOISE_INITIATION_CONSUMED, NOISE_INITIATION_CREATED, NOISE_RESPONSE_CONSUMED, NOISE_RESPONSE_CREATED, NOISE_ZEROED,
    noise_clear, noise_commit, noise_initiate, noise_read_response, noise_respond, noise_t,
)
from tunnel.protocols.wireguard.steps cimport steps_read_timestamp
from tunnel.protocols.wireguard.symmetric cimport symmetric_t
from tunnel.secret cimport secret_free, secret_make, secret_scrub_stack, secret_wipe

ZEROED, INITIATION_CREATED, INITIATION_CONSUMED = NOISE_ZEROED, NOISE_INITIATION_CREATED, NOISE_INITIATION_CONSUMED
RESPONSE_CREATED, RESPONSE_CONSUMED = NOISE_RESPONSE_CREATED, NOISE_RESPONSE_CONSUMED


cdef bint noise_derive(noise_t *noise, uint8_t *send_key, uint8_t *receive_key) noexcept nogil:
    """The keys of the session, 32 bytes each, and an empty slot.

    Legal once, after a response was made or read; False otherwise, and nothing is written. Read the
    indices before: they go over to the session. The role stays.
    """
    cdef uint8_t[2 * KEY_SIZE] keys
    cdef bint done
    if noise.state != NOISE_RESPONSE_CREATED and noise.state != NOISE_RESPONSE_CONSUMED:
        return False
    done = blake2s_kdf(noise.run.chain, KEY_SIZE, NULL, 0, 2, keys)
    if done:
        memcpy(send_key if noise.initiator else receive_key, keys, KEY_SIZE)
        memcpy(receive_key if noise.initiator else send_key, keys + KEY_SIZE, KEY_SIZE)
    secret_wipe(keys, sizeof(keys))
    noise_clear(noise)
    secret_scrub_stack()
    return done


cdef bint noise_initiator(const noise_t *noise) noexcept nogil:
    """Whether the handshake is, or was when it was derived, one that this side began."""
    return noise.initiator


cdef const uint8_t *entropy_of(bytes ephemeral) except? NULL:
    """NULL for None."""
    if ephemeral is None:
        return NULL
    sized(ephemeral, KEY_SIZE, "the entropy of an ephemeral key")
    return <const uint8_t *> ephemeral


cdef bytes finished(bint done, const uint8_t *message, Py_ssize_t size):
    """A message that was made, behind which no key is left on the stack."""
    secret_scrub_stack()
    if not done:
        raise MemoryError("libcrypto")
    return message[:size]


cdef class Handshake:
    """The one handshake slot of the peer with the public key ``remote``.

    A method called in a state that it is not for raises ``ValueError``; messages never raise.
    """

    def __cinit__(self, bytes remote not None):
        sized(remote, KEY_SIZE, "a public key")
        self.c = <noise_t *> secret_make(sizeof(noise_t))
        memcpy(self.c.remote, <const uint8_t *> remote, KEY_SIZE)

    def __init__(self, remote):
        pass

    def __dealloc__(self):
        secret_free(self.c, sizeof(noise_t))

    def identify(self, Identity identity):
        """Use these static keys, or none; clears the slot.

        Not ``possible`` where their shared secret with the peer is zero, as with the peer's key of low order.
        """
        noise_clear(self.c)
        self.identity = identity
        self.c.identity = NULL
        self.c.possible = False
        secret_wipe(self.c.static_static, KEY_SIZE)
        if identity is not None:
            self.c.identity = identity.c
            self.c.possible = x25519_shared(
                identity.c.private, identity.c.public, self.c.remote, self.c.static_static,
            )
        secret_scrub_stack()

    def preshared(self, bytes key not None):
        """Mix this key of 32 bytes into every response made or read from now on; zero is none."""
        sized(key, KEY_SIZE, "a preshared key")
        memcpy(self.c.preshared, <const uint8_t *> key, KEY_SIZE)

    @property
    def preshared_key(self):
        """The preshared key, 32 bytes, zero for none: for the configuration interface."""
        return self.c.preshared[:KEY_SIZE]

    @property
    def possible(self):
        """Whether there is an identity that can make a handshake with this peer."""
        return self.c.possible

    @property
    def state(self):
        """ZEROED, INITIATION_CREATED, INITIATION_CONSUMED, RESPONSE_CREATED or RESPONSE_CONSUMED."""
        return self.c.state

    @property
    def local_index(self):
        """The index in the message that this side made, until the session is derived."""
        return self.c.local_index

    @property
    def remote_index(self):
        """The index in the message that the peer made, until the session is derived."""
        return self.c.remote_index

    def initiate(self, uint32_t index, bytes timestamp not None, bytes ephemeral=None):
        """An initiation, 148 bytes, mac1 and mac2 zero; whatever was in the slot is gone.

        ``timestamp`` is TAI64N, 12 bytes. ``ephemeral`` is 32 bytes of entropy, for tests; None: libcrypto's.
        """
        cdef uint8_t[INITIATION_SIZE] message
        cdef bint done
        sized(timestamp, TIMESTAMP_SIZE, "a timestamp")
        self.need(self.c.possible, "initiate: no identity, or a peer's key of low order")
        memset(message, 0, INITIATION_SIZE)
        done = noise_initiate(self.c, &identity_first, index, timestamp, entropy_of(ephemeral), message)
        return finished(done, message, INITIATION_SIZE)

    def accept(self, Opened opened not None):
        """The timestamp, 12 bytes, of an initiation that is this peer's; None where it does not authenticate.

        Nothing of the slot changes: look at the timestamp, then `commit`.
        """
        cdef uint8_t[TIMESTAMP_SIZE] timestamp
        cdef bint done = self.c.possible and opened.identity is self.identity
        done = done and memcmp(opened.c.remote, self.c.remote, KEY_SIZE) == 0
        if done:
            opened.c.accepted = opened.c.run
            done = steps_read_timestamp(
                &opened.c.accepted, self.c.static_static, opened.c.timestamp, timestamp,
            )
        opened.acceptor = self if done else None
        secret_scrub_stack()
        return timestamp[:TIMESTAMP_SIZE] if done else None

    def commit(self, Opened opened not None):
        """Put an accepted initiation into the slot; whatever was there is gone. Once for each `accept`."""
        self.need(
            opened.acceptor is self and opened.identity is self.identity, "commit: this slot has not accepted that",
        )
        noise_commit(self.c, opened.c)
        opened.acceptor = None
        secret_wipe(&opened.c.accepted, sizeof(symmetric_t))

    def respond(self, uint32_t index, bytes ephemeral=None):
        """The response, 92 bytes, mac1 and mac2 zero, to the initiation in the slot."""
        cdef uint8_t[RESPONSE_SIZE] message
        cdef bint done
        self.need(self.c.state == NOISE_INITIATION_CONSUMED, "respond: no initiation was committed")
        memset(message, 0, RESPONSE_SIZE)
        done = noise_respond(self.c, index, entropy_of(ephemeral), message)
        return finished(done, message, RESPONSE_SIZE)

    def read_response(self, bytes message not None):
        """Whether the message is the response to the initiation in the slot; the slot changes only then."""
        cdef bint done = len(message) == RESPONSE_SIZE and noise_read_response(self.c, message)
        secret_scrub_stack()
        return done

    def session(self):
        """The session's keys, and an empty slot; the engine calls ``noise_derive`` instead."""
        cdef Session session = Session.__new__(Session)
        self.need(noise_derive(self.c, session.c.send, session.c.receive), "session: no response was made or read")
        return session

    def clear(self):
        """Erase the handshake; identity and preshared key stay."""
        noise_clear(self.c)

    def ephemeral_private(self):
        """This side's ephemeral private key, for the key log that a user asks for. Nobody else should call it."""
        self.need(
            self.c.state != NOISE_ZEROED and self.c.state != NOISE_INITIATION_CONSUMED,
            "ephemeral_private: no message was made",
        )
        return self.c.ephemeral.private[:KEY_SIZE]

    cdef need(self, bint met, str otherwise):
        if not met:
            raise ValueError(f"{otherwise} (state {self.c.state})")
