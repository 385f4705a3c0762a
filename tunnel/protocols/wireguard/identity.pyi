from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class Identity:
    """The static keys of a device. A private key of 32 bytes, which is clamped."""

    def __init__(self, private: bytes) -> None: ...
    @property
    def public(self) -> bytes:
        """The public key."""

    @property
    def private(self) -> bytes:
        """The private key, clamped: for the configuration interface, which shows it to whoever set it."""

    def open(self, message: bytes) -> Opened | None:
        """The initiation whose static key authenticates, as an `Opened`, or None. Nobody has looked at its macs."""

@disjoint_base
class Opened:
    """An initiation of which the sender's static key is known, and nothing else. Made by `Identity.open`."""

    @property
    def static(self) -> bytes:
        """The public key of whoever it says made it; true only once `Handshake.accept` has said so."""
