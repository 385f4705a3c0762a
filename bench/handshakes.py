"""Handshake messages that strangers and simulated peers send (the protocol's paper, sections 5.4.2 to 5.4.4).

What a stranger can make needs the public key of the end it is sent to, and nothing else.
"""

from __future__ import annotations

import hmac
import os
import struct
from dataclasses import dataclass
from functools import partial
from hashlib import blake2s
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

INITIATION, RESPONSE, TRANSPORT = 1, 2, 4
INITIATION_SIZE, RESPONSE_SIZE = 148, 92
CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"


def hashed(*parts: bytes) -> bytes:
    """BLAKE2s over the parts."""
    return blake2s(b"".join(parts)).digest()


def mac1(receiver: bytes, before: bytes) -> bytes:
    """The first MAC over what stands before it; ``receiver`` is a public key."""
    return blake2s(before, digest_size=16, key=hashed(b"mac1----", receiver)).digest()


def strangers(receiver: bytes | None, count: int) -> bytes:
    """So many initiations of random content, one behind the other.

    With the public key of the ``receiver`` their first MAC is right; without it is not.
    """
    made = []
    for number in range(count):
        head = struct.pack("<II", INITIATION, number) + os.urandom(108)
        made.append(head + (mac1(receiver, head) if receiver else bytes(16)) + bytes(16))
    return b"".join(made)


def derived(chain: bytes, given: bytes, count: int) -> list[bytes]:
    """KDF: so many keys from a chaining key and an input (HKDF, RFC 5869)."""
    mac = partial(hmac.digest, digest="blake2s")
    secret, found = mac(chain, given), [b""]
    for number in range(1, count + 1):
        found.append(mac(secret, found[-1] + bytes([number])))
    return found[1:]


def tai64n(now_s: int) -> bytes:
    """A time in seconds since 1970 as 12 bytes, without a fraction."""
    return struct.pack(">QI", 0x400000000000000A + now_s, 0)


@dataclass
class Session:
    """A peer's side of a handshake with ``receiver``, whose public key it knows."""

    static: X25519PrivateKey
    receiver: bytes
    index: int
    psk: bytes = bytes(32)
    chain: bytes = b""
    transcript: bytes = b""

    def __post_init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        self.ephemeral = X25519PrivateKey.generate()

    def initiation(self, stamp: bytes) -> bytes:
        """The first message; ``stamp`` is the time of ``tai64n``."""
        ephemeral = self.ephemeral.public_key().public_bytes_raw()
        self.chain = hashed(CONSTRUCTION)
        self.transcript = hashed(hashed(hashed(self.chain, IDENTIFIER), self.receiver), ephemeral)
        self.chain = derived(self.chain, ephemeral, 1)[0]
        message = struct.pack("<II", INITIATION, self.index) + ephemeral
        message += self._sealed(self.ephemeral, self.static.public_key().public_bytes_raw())
        message += self._sealed(self.static, stamp)
        return message + mac1(self.receiver, message) + bytes(16)

    def _sealed(self, private: X25519PrivateKey, plain: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        self.chain, key = derived(self.chain, shared(private, self.receiver), 2)
        sealed = ChaCha20Poly1305(key).encrypt(bytes(12), plain, self.transcript)
        self.transcript = hashed(self.transcript, sealed)
        return sealed

    def confirmation(self, response: bytes) -> bytes:
        """The keepalive after which the other end may send: it has the session's key."""
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        theirs = response[12:44]
        chain = derived(self.chain, theirs, 1)[0]
        for private in (self.ephemeral, self.static):
            chain = derived(chain, shared(private, theirs), 1)[0]
        chain, mixed, key = derived(chain, self.psk, 3)
        transcript = hashed(hashed(self.transcript, theirs), mixed)
        ChaCha20Poly1305(key).decrypt(bytes(12), response[44:60], transcript)  # InvalidTag where it is not for us
        send = derived(chain, b"", 2)[0]
        head = struct.pack("<I4sQ", TRANSPORT, response[4:8], 0)
        return head + ChaCha20Poly1305(send).encrypt(bytes(12), b"", b"")


def shared(private: X25519PrivateKey, public: bytes) -> bytes:
    """X25519."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

    return private.exchange(X25519PublicKey.from_public_bytes(public))
