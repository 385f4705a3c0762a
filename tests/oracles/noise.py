"""The handshake of WireGuard in Python, over `cryptography` and hashlib: the oracle of the native one.

It knows everything that the native one hides: the keys, the chaining key, the hash.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import blake2s

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

CONSTRUCTION = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"
IDENTIFIER = b"WireGuard v1 zx2c4 Jason@zx2c4.com"
NO_MACS = bytes(32)


def digest(*parts: bytes) -> bytes:
    """HASH of the parts in a row."""
    return blake2s(b"".join(parts)).digest()


def mac(key: bytes, *parts: bytes) -> bytes:
    """Keyed BLAKE2s, 16 bytes."""
    return blake2s(b"".join(parts), key=key, digest_size=16).digest()


def kdf(key: bytes, content: bytes, count: int) -> list[bytes]:
    """KDF1 to KDF3."""
    secret = hmac.digest(key, content, "blake2s")
    out = [b""]
    for number in range(1, count + 1):
        out.append(hmac.digest(secret, out[-1] + bytes([number]), "blake2s"))
    return out[1:]


def public(private: bytes) -> bytes:
    """The public key of a private one."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def dh(private: bytes, remote: bytes) -> bytes:
    """The shared secret; ``ValueError`` where it is all zero."""
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(remote))


def nonce(counter: int) -> bytes:
    """Four zero bytes and the counter."""
    return bytes(4) + counter.to_bytes(8, "little")


def seal(key: bytes, counter: int, plain: bytes, aad: bytes = b"") -> bytes:
    """Ciphertext and tag."""
    return ChaCha20Poly1305(key).encrypt(nonce(counter), plain, aad)


def opened(key: bytes, counter: int, sealed: bytes, aad: bytes = b"") -> bytes | None:
    """The plain text; None where it does not authenticate."""
    try:
        return ChaCha20Poly1305(key).decrypt(nonce(counter), sealed, aad)
    except InvalidTag:
        return None


@dataclass
class Running:
    """C and H, and every key and secret that went through them."""

    chain: bytes = digest(CONSTRUCTION)
    hash: bytes = digest(digest(CONSTRUCTION), IDENTIFIER)
    seen: list[bytes] = field(default_factory=list)

    def mix(self, content: bytes) -> None:
        """H = HASH(H, content)."""
        self.hash = digest(self.hash, content)

    def keys(self, content: bytes, count: int) -> list[bytes]:
        """C and what else KDFn gives."""
        self.chain, *others = kdf(self.chain, content, count)
        self.seen += [content, self.chain, *others]
        return others

    def key(self, content: bytes) -> bytes:
        """C and one key."""
        return self.keys(content, 2)[0]

    def seal(self, key: bytes, plain: bytes) -> bytes:
        """A field, mixed."""
        sealed = seal(key, 0, plain, self.hash)
        self.mix(sealed)
        return sealed

    def open(self, key: bytes, sealed: bytes) -> bytes | None:
        """The plain text of a field, mixed."""
        plain = opened(key, 0, sealed, self.hash)
        self.mix(sealed)
        return plain

    def ephemeral(self, key: bytes) -> None:
        """An ephemeral public key."""
        self.keys(key, 1)
        self.mix(key)


class Twin:
    """One side of one handshake. ``private`` and ``ephemeral`` are private keys, ``remote`` is a public one."""

    def __init__(self, private: bytes, remote: bytes, ephemeral: bytes, preshared: bytes = bytes(32)):
        self.private, self.remote, self.own, self.preshared = private, remote, ephemeral, preshared
        self.run = Running()
        self.far = b""

    def initiate(self, index: int, timestamp: bytes) -> bytes:
        """The initiation without its macs."""
        run = self.run = Running()
        run.mix(self.remote)
        run.ephemeral(public(self.own))
        static = run.seal(run.key(dh(self.own, self.remote)), public(self.private))
        stamp = run.seal(run.key(dh(self.private, self.remote)), timestamp)
        return b"\1\0\0\0" + index.to_bytes(4, "little") + public(self.own) + static + stamp + NO_MACS

    def consume(self, message: bytes) -> tuple[bytes | None, bytes | None]:
        """The static key and the timestamp of an initiation; None for what does not authenticate."""
        run = self.run = Running()
        run.mix(public(self.private))
        self.far = message[8:40]
        run.ephemeral(self.far)
        static = run.open(run.key(dh(self.private, self.far)), message[40:88])
        if static is None:
            return None, None
        return static, run.open(run.key(dh(self.private, static)), message[88:116])

    def respond(self, index: int, receiver: int) -> bytes:
        """The response without its macs."""
        self.run.ephemeral(public(self.own))
        self.run.keys(dh(self.own, self.far), 1)
        self.run.keys(dh(self.own, self.remote), 1)
        middle, key = self.run.keys(self.preshared, 3)
        self.run.mix(middle)
        indices = index.to_bytes(4, "little") + receiver.to_bytes(4, "little")
        return b"\2\0\0\0" + indices + public(self.own) + self.run.seal(key, b"") + NO_MACS

    def finish(self, message: bytes) -> bool:
        """Whether the response authenticates."""
        self.far = message[12:44]
        self.run.ephemeral(self.far)
        self.run.keys(dh(self.own, self.far), 1)
        self.run.keys(dh(self.private, self.far), 1)
        middle, key = self.run.keys(self.preshared, 3)
        self.run.mix(middle)
        return self.run.open(key, message[44:60]) is not None

    def session(self) -> list[bytes]:
        """T1 and T2."""
        return kdf(self.run.chain, b"", 2)
