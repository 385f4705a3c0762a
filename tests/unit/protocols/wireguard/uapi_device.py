"""A device that only remembers: what the configuration protocol finds in it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Peer:
    """One peer; the prefixes in the order in which they came."""

    public_key: bytes
    owner: Device
    preshared_key: bytes = bytes(32)
    keepalive_s: int = 0
    last_handshake: tuple[int, int] = (0, 0)
    tx_bytes: int = 0
    rx_bytes: int = 0
    prefixes: dict[tuple[bytes, int], None] = field(default_factory=dict)
    address: str | None = None

    @property
    def endpoint(self) -> str | None:
        return self.address

    @endpoint.setter
    def endpoint(self, text: str) -> None:
        if not text.rpartition(":")[2].isdecimal():
            raise ValueError(f"bad endpoint {text}")
        self.address = text

    @property
    def allowed_ips(self) -> list[tuple[bytes, int]]:
        return [*self.prefixes]

    def allow(self, address: bytes, length: int) -> None:
        whole = int.from_bytes(address, "big") >> (8 * len(address) - length) << (8 * len(address) - length)
        prefix = whole.to_bytes(len(address), "big"), length
        for peer in self.owner.peers.values():
            peer.prefixes.pop(prefix, None)
        self.prefixes[prefix] = None

    def disallow(self, address: bytes, length: int) -> None:
        self.prefixes.pop((address, length), None)

    def clear_allowed(self) -> None:
        self.prefixes.clear()


class Device:
    """Its own ``tunnel``. Its public key is the private one, reversed. ``taken`` is a port that cannot be had."""

    def __init__(self, *, room: int = 1000) -> None:
        self.private_key: bytes | None = None
        self.fwmark = self._port = 0
        self.taken, self.room = 99, room
        self.peers: dict[bytes, Peer] = {}
        self.told: list[bytes] = []

    @property
    def tunnel(self) -> Device:
        return self

    @property
    def public_key(self) -> bytes | None:
        return self.private_key and self.private_key[::-1]

    @property
    def listen_port(self) -> int:
        return self._port

    @listen_port.setter
    def listen_port(self, number: int) -> None:
        if number == self.taken:
            raise OSError("taken")
        self._port = number

    def add_peer(self, public_key: bytes) -> Peer:
        if len(self.peers) >= self.room:
            raise MemoryError(public_key.hex())
        self.peers[public_key] = Peer(public_key, self)
        return self.peers[public_key]

    def remove_peer(self, public_key: bytes) -> None:
        del self.peers[public_key]

    def remove_all_peers(self) -> None:
        self.peers.clear()

    def configured(self, peer: Peer) -> None:
        assert peer.public_key in self.peers
        self.told.append(peer.public_key)
