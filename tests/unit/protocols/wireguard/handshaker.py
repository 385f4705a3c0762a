"""A process that makes one handshake and forgets it: ``python handshaker.py initiate|respond``.

It reads and writes lines of hex. Static keys come in; ephemeral keys and what follows from them never
become objects of Python.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tunnel.protocols.wireguard.identity import Identity
from tunnel.protocols.wireguard.noise import Handshake
from tunnel.protocols.wireguard.session import Session


def heard() -> bytes:
    """The next line."""
    return bytes.fromhex(sys.stdin.readline())


def say(message: bytes) -> None:
    """One line."""
    print(message.hex(), flush=True)


def initiate(_: Identity, handshake: Handshake) -> None:
    """Ask, and read the answer."""
    say(handshake.initiate(1, bytes(12)))
    assert handshake.read_response(heard())


def respond(identity: Identity, handshake: Handshake) -> None:
    """Read, and answer."""
    opened = identity.open(heard())
    assert opened is not None
    assert handshake.accept(opened) is not None
    handshake.commit(opened)
    say(handshake.respond(2))


def stages(role: str) -> Iterator[Session | Handshake | None]:
    """What holds keys at each pause, the last time nothing."""
    identity, handshake = Identity(heard()), Handshake(heard())
    handshake.identify(identity)
    handshake.preshared(heard())
    {"initiate": initiate, "respond": respond}[role](identity, handshake)
    yield handshake
    yield handshake.session()
    handshake.clear()
    del identity, handshake
    yield None


if __name__ == "__main__":
    for holder in stages(sys.argv[1]):
        if isinstance(holder, Session):
            say(holder.seal(0, b"sealed"))
        else:
            say(b"")
        heard()
