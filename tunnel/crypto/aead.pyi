"""ChaCha20-Poly1305 (RFC 8439) of packets, by intel-ipsec-mb or by libcrypto."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

VARIABLE: str
LIBRARIES: tuple[str, ...]    # the faster one first

# The text of RFC 8439, A.5, by which a library proves itself; its tag without the associated data.
RFC_KEY: bytes
RFC_COUNTER: int
RFC_TEXT: bytes
RFC_TAG: bytes

@disjoint_base
class Aead:
    """One thread's contexts. ``library`` is ``"ipsec-mb"``, ``"libcrypto"``, or None: see ``chosen``.

    Each library must first seal and open the text of RFC 8439, A.5, right. Without a name that is
    ipsec-mb, where it was built in and the processor is fit for it, else libcrypto. Raises ``ConfigError``
    for a name that is none, and for a library that does not work here.
    """

    def __init__(self, library: str | None = None) -> None: ...
    @property
    def library(self) -> str: ...
    def seal(self, key: bytes, counter: int, text: bytes) -> bytes:
        """The ciphertext, and 16 bytes of tag behind it. The key has 32 bytes."""
    def open(self, key: bytes, counter: int, text: bytes) -> bytes | None:
        """The plaintext of what ``seal`` gave; None where the tag is wrong or not there."""
    def seal_all(self, packets: Iterable[tuple[bytes, int, bytes]]) -> list[bytes]:
        """``seal`` of each (key, counter, text), in one call of the library."""
    def open_all(self, packets: Iterable[tuple[bytes, int, bytes]]) -> list[bytes | None]:
        """``open`` of each (key, counter, text), in one call of the library."""
    def forget(self) -> None:
        """Leave nothing of the keys that were used, in contexts or on this thread's stack."""

def chosen() -> str | None:
    """What ``TUNNEL_AEAD`` asks for; None where it is not set. Raises ``ConfigError``."""
