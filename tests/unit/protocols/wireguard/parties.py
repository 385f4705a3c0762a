"""Two sides of a handshake, native or the oracle's, and the one whose every byte is known."""

from __future__ import annotations

from tests.oracles.noise import Twin, public
from tunnel.protocols.wireguard.identity import Identity, Opened
from tunnel.protocols.wireguard.noise import Handshake

INITIATOR, RESPONDER, E_I, E_R = (bytes([n]) * 32 for n in (1, 2, 3, 4))
PRESHARED = bytes([5]) * 32
STAMP = bytes.fromhex("400000006553f10a1d000000")
I_INDEX, R_INDEX = 0x01020304, 0x05060708
LOW_ORDER = (
    bytes(32),
    bytes([1]) + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
)


def slot(private: bytes, remote: bytes, preshared: bytes = bytes(32)) -> tuple[Identity, Handshake]:
    """A native side: its identity, and its slot for the peer with this public key."""
    identity, handshake = Identity(private), Handshake(remote)
    handshake.identify(identity)
    handshake.preshared(preshared)
    return identity, handshake


def natives(
    preshared: bytes = bytes(32), other: bytes | None = None
) -> tuple[tuple[Identity, Handshake], tuple[Identity, Handshake]]:
    """The native initiator and responder; ``other`` is the responder's preshared key if it is not the same."""
    initiator = slot(INITIATOR, public(RESPONDER), preshared)
    return initiator, slot(RESPONDER, public(INITIATOR), preshared if other is None else other)


def twins(preshared: bytes = bytes(32)) -> tuple[Twin, Twin]:
    """The oracle's initiator and responder."""
    return Twin(INITIATOR, public(RESPONDER), E_I, preshared), Twin(RESPONDER, public(INITIATOR), E_R, preshared)


def committed(identity: Identity, handshake: Handshake, message: bytes) -> bytes:
    """The timestamp of an initiation, which is in the responder's slot now."""
    opened = identity.open(message)
    assert isinstance(opened, Opened)
    stamp = handshake.accept(opened)
    assert stamp is not None
    handshake.commit(opened)
    return stamp


def flipped(message: bytes, bit: int) -> bytes:
    """The message with one bit changed."""
    return (int.from_bytes(message, "big") ^ 1 << bit).to_bytes(len(message), "big")
