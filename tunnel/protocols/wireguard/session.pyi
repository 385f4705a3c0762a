from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class Session:
    """The keys of one session, both ways, for tests and tools. Made by `Handshake.session`.

    It counts nothing and remembers nothing: counters are the caller's, and so is replay.
    """

    def seal(self, counter: int, plain: bytes) -> bytes:
        """Ciphertext and tag of a packet that is sent with this counter."""

    def open(self, counter: int, sealed: bytes) -> bytes | None:
        """The packet that came with this counter; None where it does not authenticate."""
