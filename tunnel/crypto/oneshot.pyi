from __future__ import annotations

def hchacha20(key: bytes, nonce: bytes) -> bytes:
    """The subkey, 32 bytes, of a key of 32 and a nonce of 16."""

def seal(key: bytes, nonce: bytes, aad: bytes, plain: bytes) -> bytes:
    """Ciphertext and tag; a nonce of 12 bytes, or of 24 for XChaCha20-Poly1305. ``ValueError`` above 1 GiB."""

def unseal(key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes | None:
    """The plain text; None where it does not authenticate. ``ValueError`` above 1 GiB."""
