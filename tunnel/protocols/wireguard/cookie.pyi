from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import disjoint_base

@disjoint_base
class Checker:
    """Checks what comes to the device with this public key, of 32 bytes, and hands out cookies."""

    def __init__(self, public: bytes) -> None: ...
    def mac1(self, message: bytes) -> bool:
        """Whether mac1 of an initiation or a response is right."""

    def mac2(self, message: bytes, source: bytes, now_ns: int) -> bool:
        """Whether mac2 is that of this source's cookie; ``source`` is 4 or 16 bytes of address, then the port."""

    def reply(
        self, message: bytes, source: bytes, now_ns: int, nonce: bytes | None = None, secret: bytes | None = None
    ) -> bytes:
        """The cookie reply, 64 bytes, to a message whose mac1 was right.

        ``nonce``, 24 bytes, and ``secret``, 32, are for tests; otherwise they are libcrypto's.
        """

@disjoint_base
class Stamper:
    """Ends what is sent to the peer with this public key, of 32 bytes, and keeps the cookie that it gives."""

    def __init__(self, remote_public: bytes) -> None: ...
    def stamp(self, message: bytes, now_ns: int) -> bytes:
        """The message with mac1, and with mac2 if there is a cookie younger than 120 s; mac1 is remembered."""

    def receive(self, reply: bytes, now_ns: int) -> bool:
        """Whether a cookie reply answers what was stamped last; its cookie is kept then, and mac1 forgotten.

        Whose reply it is, its index has told; nothing is to be sent now.
        """
