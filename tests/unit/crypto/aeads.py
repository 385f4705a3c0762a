"""What the tests of the AEAD share: the libraries that are here, and an oracle."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from tunnel.crypto.aead import LIBRARIES, Aead
from tunnel.errors import ConfigError

TAG = 16


def _present() -> Iterator[str]:
    for name in LIBRARIES:
        try:
            Aead(name)
        except ConfigError:
            continue
        yield name


PRESENT = tuple(_present())


def nonce(counter: int) -> bytes:
    """Four zero bytes, then the counter, little-endian."""
    return bytes(4) + struct.pack("<Q", counter)


def sealed(key: bytes, counter: int, text: bytes, aad: bytes = b"") -> bytes:
    """By ``cryptography``."""
    return ChaCha20Poly1305(key).encrypt(nonce(counter), text, aad)


def opened(key: bytes, counter: int, text: bytes) -> bytes | None:
    """By ``cryptography``."""
    try:
        return ChaCha20Poly1305(key).decrypt(nonce(counter), text, b"")
    except InvalidTag:
        return None


def poly1305_key(key: bytes, counter: int) -> tuple[int, int]:
    """``r`` and ``s`` of one packet (RFC 8439, 2.6): the first half of ChaCha20's block 0."""
    block = Cipher(ChaCha20(key, bytes(4) + nonce(counter)), mode=None).encryptor().update(bytes(32))
    r, s = (int.from_bytes(half, "little") for half in (block[:16], block[16:]))
    return r & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF, s
