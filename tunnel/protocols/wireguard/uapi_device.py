"""What the configuration protocol wants of a device and of its peers. Keys are 32 raw bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol


class Peer(Protocol):
    """One peer; setting a value handles all that follows from it."""

    @property
    def public_key(self) -> bytes:
        """It names the peer."""

    preshared_key: bytes  # all zero: none
    keepalive_s: int  # 0 to 65535; 0: none

    @property
    def endpoint(self) -> str | None:
        """``192.0.2.1:51820``, ``[fe80::1%eth0]:51820``; None while unknown. Set: ``ValueError`` for a bad one."""

    @endpoint.setter
    def endpoint(self, text: str) -> None: ...

    @property
    def last_handshake(self) -> tuple[int, int]:
        """Unix seconds, nanoseconds; 0, 0: never."""

    @property
    def tx_bytes(self) -> int:
        """UDP payload bytes sent to it."""

    @property
    def rx_bytes(self) -> int:
        """UDP payload bytes accepted from it."""

    @property
    def allowed_ips(self) -> Iterable[tuple[bytes, int]]:
        """Packed addresses and prefix lengths, in the order in which they came."""

    def allow(self, address: bytes, length: int) -> None:
        """Give it a prefix, taken from whoever had it; host bits may be set."""

    def disallow(self, address: bytes, length: int) -> None:
        """Take a prefix from it, if it has it."""

    def clear_allowed(self) -> None:
        """Take all its prefixes."""


class Tunnel(Protocol):
    """Keys and peers. What a setter cannot apply is an ``OSError``, and has changed nothing."""

    private_key: bytes | None  # None: none

    @property
    def public_key(self) -> bytes | None:
        """What belongs to the private key; None without one."""

    @property
    def peers(self) -> Mapping[bytes, Peer]:
        """By public key, in the order in which they were made."""

    def add_peer(self, public_key: bytes) -> Peer:
        """A new peer."""

    def remove_peer(self, public_key: bytes) -> None:
        """Forget a peer and what belongs to it."""

    def remove_all_peers(self) -> None:
        """Forget all peers."""

    def configured(self, peer: Peer) -> None:
        """All lines about this peer have been applied: if the interface is up, it starts."""


class Device(Protocol):
    """An interface as a whole: a tunnel and its socket. ``OSError`` as above."""

    listen_port: int  # 0 to 65535; 0: the kernel chooses
    fwmark: int  # 32 bits; 0: none

    @property
    def tunnel(self) -> Tunnel:
        """Whose messages the socket carries."""
