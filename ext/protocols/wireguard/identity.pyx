"""The static keys of a device, and the first look at what comes to it: who says that it made an initiation.

That costs one DH, and touches no peer's slot: `tunnel.protocols.wireguard.noise` has those.
"""

from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from _sized cimport sized
from tunnel.crypto.x25519 cimport x25519_clamp, x25519_public
from tunnel.protocols.wireguard.layout cimport (
    INITIATION_EPHEMERAL, INITIATION_SIZE, INITIATION_TIMESTAMP, KEY_SIZE, SENDER, TAG_SIZE, TIMESTAMP_SIZE,
    TYPE_INITIATION,
)
from tunnel.protocols.wireguard.steps cimport steps_first, steps_read_static
from tunnel.secret cimport secret_free, secret_make, secret_scrub_stack
from tunnel.wire cimport le32

if not steps_first(&identity_first):
    raise MemoryError("libcrypto")


cdef class Identity:
    """The static keys of a device. A private key of 32 bytes, which is clamped."""

    def __cinit__(self, bytes private not None):
        sized(private, KEY_SIZE, "a private key")
        self.c = <pair_t *> secret_make(sizeof(pair_t))
        memcpy(self.c.private, <const uint8_t *> private, KEY_SIZE)
        x25519_clamp(self.c.private)
        if not x25519_public(self.c.private, self.c.public):
            raise MemoryError("libcrypto")
        secret_scrub_stack()

    def __init__(self, private):
        pass

    def __dealloc__(self):
        secret_free(self.c, sizeof(pair_t))

    @property
    def public(self):
        """The public key."""
        return self.c.public[:KEY_SIZE]

    @property
    def private(self):
        """The private key, clamped: for the configuration interface, which shows it to whoever set it."""
        return self.c.private[:KEY_SIZE]

    def open(self, bytes message not None):
        """The initiation whose static key authenticates, as an `Opened`, or None. Nobody has looked at its macs."""
        cdef Opened opened
        cdef const uint8_t *at = message
        cdef bint done
        if len(message) != INITIATION_SIZE or le32(at) != TYPE_INITIATION:
            return None
        opened = Opened.__new__(Opened)
        opened.identity = self
        opened.c.run = identity_first
        opened.c.sender = le32(at + SENDER)
        memcpy(opened.c.remote_ephemeral, at + INITIATION_EPHEMERAL, KEY_SIZE)
        memcpy(opened.c.timestamp, at + INITIATION_TIMESTAMP, TIMESTAMP_SIZE + TAG_SIZE)
        done = steps_read_static(&opened.c.run, self.c, at, opened.c.remote)
        secret_scrub_stack()
        return opened if done else None


cdef class Opened:
    """An initiation of which the sender's static key is known, and nothing else. Made by `Identity.open`."""

    def __cinit__(self):
        self.c = <opened_t *> secret_make(sizeof(opened_t))

    def __dealloc__(self):
        secret_free(self.c, sizeof(opened_t))

    @property
    def static(self):
        """The public key of whoever it says made it; true only once `Handshake.accept` has said so."""
        return self.c.remote[:KEY_SIZE]
