"""The handshake: all of it on one core, and what a responder does for each."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.protocols.wireguard.identity import Identity
from tunnel.protocols.wireguard.noise import Handshake

TIMESTAMP = bytes(12)


def pair() -> tuple[Handshake, Identity, Handshake]:
    """The initiator's slot, the responder's keys and slot."""
    ours, theirs = Identity(bytes([1]) * 32), Identity(bytes([2]) * 32)
    initiator, responder = Handshake(theirs.public), Handshake(ours.public)
    initiator.identify(ours)
    responder.identify(theirs)
    return initiator, theirs, responder


def answer(message: bytes, identity: Identity, handshake: Handshake) -> bytes:
    """The response to an initiation."""
    opened = identity.open(message)
    assert opened is not None
    handshake.accept(opened)
    handshake.commit(opened)
    return handshake.respond(2)


def test_handshake(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of both sides, from nothing to two sessions."""
    initiator, identity, responder = pair()

    def whole() -> None:
        initiator.read_response(answer(initiator.initiate(1, TIMESTAMP), identity, responder))
        initiator.session()
        responder.session()

    benchmark(whole)


def test_responder(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of one initiation: opened, accepted, answered, its session derived."""
    initiator, identity, responder = pair()
    message = initiator.initiate(1, TIMESTAMP)

    def half() -> None:
        answer(message, identity, responder)
        responder.session()

    benchmark(half)
