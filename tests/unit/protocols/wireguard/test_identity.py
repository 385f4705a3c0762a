"""Static keys, and who made an initiation by them."""

import copy

import pytest

from tests.oracles import noise as oracle
from tests.unit.protocols.wireguard.parties import INITIATOR, RESPONDER, STAMP, committed, natives, slot, twins
from tunnel.crypto import x25519
from tunnel.protocols.wireguard import noise
from tunnel.protocols.wireguard.identity import Identity


def test_keys_are_clamped_and_not_shown():
    identity = Identity(b"\xff" * 32)
    assert identity.private == b"\xf8" + b"\xff" * 30 + b"\x7f"
    assert identity.public == x25519.public(b"\xff" * 32) == oracle.public(identity.private)
    assert identity.private.hex() not in repr(identity)
    (_, i), (responder, r) = natives()
    committed(responder, r, i.initiate(1, STAMP))
    i.read_response(r.respond(2))
    for secret in (i.session(), responder.open(i.initiate(1, STAMP)), identity):
        with pytest.raises(TypeError):
            copy.copy(secret)


def test_who_made_it_is_known():
    (initiator, i), (responder, _) = natives()
    opened = responder.open(i.initiate(1, STAMP))
    assert opened is not None
    assert opened.static == initiator.public
    assert initiator.open(i.initiate(1, STAMP)) is None


def test_an_ephemeral_key_of_low_order_gets_no_answer():
    """Whoever says to be a peer cannot force a shared secret that everybody knows."""
    twin, _ = twins()
    responder, r = slot(RESPONDER, oracle.public(INITIATOR))
    message = twin.initiate(1, STAMP)
    assert responder.open(message[:8] + bytes(32) + message[40:]) is None
    assert r.state == noise.ZEROED


@pytest.mark.parametrize("message", [b"", bytes(148), b"\1" + bytes(146), b"\1\0\0\1" + bytes(144)])
def test_what_is_no_message_opens_nothing(message):
    assert Identity(RESPONDER).open(message) is None


def test_sizes_are_looked_at():
    with pytest.raises(ValueError, match="bytes, not"):
        Identity(bytes(31))
