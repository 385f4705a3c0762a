from __future__ import annotations

def public(private: bytes) -> bytes:
    """The public key of a private one, clamped or not."""

def shared(private: bytes, remote: bytes) -> bytes | None:
    """The shared secret, for tests and tools; None where it is all zero."""
