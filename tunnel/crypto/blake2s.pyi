from __future__ import annotations

def digest(content: bytes) -> bytes:
    """The hash, 32 bytes."""

def mac(key: bytes, content: bytes) -> bytes:
    """Keyed BLAKE2s, 16 bytes; a key of 1 to 32 bytes."""

def kdf(key: bytes, content: bytes, count: int) -> tuple[bytes, ...]:
    """The first ``count`` outputs, 1 to 3, of HKDF with HMAC over BLAKE2s; a key of up to 64 bytes."""
