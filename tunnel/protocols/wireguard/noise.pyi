from __future__ import annotations

from typing import TYPE_CHECKING

from tunnel.protocols.wireguard.identity import Identity, Opened
from tunnel.protocols.wireguard.session import Session

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

ZEROED: int
INITIATION_CREATED: int
INITIATION_CONSUMED: int
RESPONSE_CREATED: int
RESPONSE_CONSUMED: int

@disjoint_base
class Handshake:
    """The one handshake slot of the peer with the public key ``remote``.

    A method called in a state that it is not for raises ``ValueError``; messages never raise.
    """

    def __init__(self, remote: bytes) -> None: ...
    def identify(self, identity: Identity | None) -> None:
        """Use these static keys, or none; clears the slot.

        Not ``possible`` where their shared secret with the peer is zero, as with the peer's key of low order.
        """

    def preshared(self, key: bytes) -> None:
        """Mix this key of 32 bytes into every response made or read from now on; zero is none."""

    @property
    def preshared_key(self) -> bytes:
        """The preshared key, 32 bytes, zero for none: for the configuration interface."""

    @property
    def possible(self) -> bool:
        """Whether there is an identity that can make a handshake with this peer."""

    @property
    def state(self) -> int:
        """ZEROED, INITIATION_CREATED, INITIATION_CONSUMED, RESPONSE_CREATED or RESPONSE_CONSUMED."""

    @property
    def local_index(self) -> int:
        """The index in the message that this side made, until the session is derived."""

    @property
    def remote_index(self) -> int:
        """The index in the message that the peer made, until the session is derived."""

    def initiate(self, index: int, timestamp: bytes, ephemeral: bytes | None = None) -> bytes:
        """An initiation, 148 bytes, mac1 and mac2 zero; whatever was in the slot is gone.

        ``timestamp`` is TAI64N, 12 bytes. ``ephemeral`` is 32 bytes of entropy, for tests; None: libcrypto's.
        """

    def accept(self, opened: Opened) -> bytes | None:
        """The timestamp, 12 bytes, of an initiation that is this peer's; None where it does not authenticate.

        Nothing of the slot changes: look at the timestamp, then `commit`.
        """

    def commit(self, opened: Opened) -> None:
        """Put an accepted initiation into the slot; whatever was there is gone. Once for each `accept`."""

    def respond(self, index: int, ephemeral: bytes | None = None) -> bytes:
        """The response, 92 bytes, mac1 and mac2 zero, to the initiation in the slot."""

    def read_response(self, message: bytes) -> bool:
        """Whether the message is the response to the initiation in the slot; the slot changes only then."""

    def session(self) -> Session:
        """The session's keys, and an empty slot; the engine calls ``noise_derive`` instead."""

    def clear(self) -> None:
        """Erase the handshake; identity and preshared key stay."""

    def ephemeral_private(self) -> bytes:
        """This side's ephemeral private key, for the key log that a user asks for. Nobody else should call it."""
