"""The handshake: against known bytes, against the oracle, and against everything that is not a handshake."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import noise as oracle
from tests.unit.protocols.wireguard.parties import (
    E_I,
    E_R,
    I_INDEX,
    INITIATOR,
    LOW_ORDER,
    PRESHARED,
    R_INDEX,
    RESPONDER,
    STAMP,
    committed,
    flipped,
    natives,
    slot,
    twins,
)
from tunnel.protocols.wireguard import noise
from tunnel.protocols.wireguard.identity import Identity
from tunnel.protocols.wireguard.noise import Handshake

keys = st.binary(min_size=32, max_size=32)
indices = st.integers(0, 2**32 - 1)
preshareds = st.one_of(st.just(bytes(32)), keys)


def test_the_oracle_knows_every_intermediate_value():
    """A whole handshake computed by an independent program that spoke to another implementation."""
    initiator, responder = twins(PRESHARED)
    initiation = initiator.initiate(I_INDEX, STAMP)
    assert initiator.run.chain.hex() == "4696b0ed00cff9c62cf447eb5f9c899d508e66b889a8cef23c4ae5c60f902b5e"
    assert initiator.run.hash.hex() == "ad959175b436957808f37756e466939554eb703316a6ce612509d0d6ac4e1e64"
    assert responder.consume(initiation) == (oracle.public(INITIATOR), STAMP)
    assert initiator.finish(responder.respond(R_INDEX, I_INDEX))
    assert initiator.run.chain.hex() == "3d0fb6de8bdff0e5f3eb777d9ce6ba3252d233cf1b68aafe0a3a385c293d4b66"
    assert initiator.run.hash.hex() == "bcf5862004dadaff1407ac6a82bb63055c43dbd7cd6ffaf77a09a5b8567a37ed"
    assert [key.hex() for key in responder.session()] == [
        "a18cc809fd05b6b5f99644cf506f89dce368c2f54a9dbeb9a384f36c274317ef",
        "b1aa1b797d3a45da97552b8084ade493aa767f15af95854bc86557f6dacd851d",
    ]


def test_known_bytes():
    (initiator, i), (responder, r) = natives(PRESHARED)
    assert initiator.public.hex() == "a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409f8a209"
    assert responder.public.hex() == "ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d59"
    initiation = i.initiate(I_INDEX, STAMP, E_I)
    assert initiation == bytes.fromhex(
        "01000000040302015dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef220a26599fb2188bb72327"
        "6fc173af67616c817fc32fd04d686d87ec152fac10eed2bda3bb3b6f1eded6977684082284d817fb46b3a99b6be3a0273ed6"
        "f169357ca2db0ffb2b85638aa5679250"
    ) + bytes(32)
    assert committed(responder, r, initiation) == STAMP
    response = r.respond(R_INDEX, E_R)
    assert response == bytes.fromhex(
        "020000000807060504030201ac01b2209e86354fb853237b5de0f4fab13c7fcbf433a61c019369617fecf10bd5b6d2bb0cf7064a"
        "18589ea8b2e075a6"
    ) + bytes(32)
    assert i.read_response(response)
    one, other = i.session(), r.session()
    assert one.seal(0, b"").hex() == "2573d3030aabba0c616df8e5a1bab60b"
    assert one.seal(1, bytes(range(16))).hex() == "faf50d8ba91323557bbf37bffaf55c1ad85135365813c53aca335754c8ff9aa4"
    assert other.seal(0, b"").hex() == "debc5ce8db9dfbdcc00a210e42229c06"


@given(keys, keys, keys, keys, preshareds, indices, indices)
@settings(max_examples=30)
def test_native_initiator_against_the_oracle(mine, theirs, ephemeral, far, preshared, index, other):
    _, i = slot(mine, oracle.public(theirs), preshared)
    twin = oracle.Twin(theirs, oracle.public(mine), far, preshared)
    message = i.initiate(index, STAMP, ephemeral)
    assert message == oracle.Twin(mine, oracle.public(theirs), ephemeral, preshared).initiate(index, STAMP)
    assert twin.consume(message) == (oracle.public(mine), STAMP)
    assert i.read_response(twin.respond(other, index))
    assert (i.local_index, i.remote_index, i.state) == (index, other, noise.RESPONSE_CONSUMED)
    send, receive = twin.session()
    session = i.session()
    assert session.seal(7, b"there") == oracle.seal(send, 7, b"there")
    assert session.open(9, oracle.seal(receive, 9, b"back")) == b"back"


@given(keys, keys, keys, keys, preshareds, indices, indices)
@settings(max_examples=30)
def test_native_responder_against_the_oracle(mine, theirs, ephemeral, far, preshared, index, other):
    identity, r = slot(mine, oracle.public(theirs), preshared)
    twin = oracle.Twin(theirs, oracle.public(mine), far, preshared)
    assert committed(identity, r, twin.initiate(other, STAMP)) == STAMP
    assert twin.finish(r.respond(index, ephemeral))
    assert (r.local_index, r.remote_index, r.state) == (index, other, noise.RESPONSE_CREATED)
    receive, send = twin.session()
    session = r.session()
    assert session.seal(7, b"there") == oracle.seal(send, 7, b"there")
    assert session.open(9, oracle.seal(receive, 9, b"back")) == b"back"


@given(st.integers(8 * 32, 8 * 148 - 1))
def test_one_flipped_bit_of_an_initiation(bit):
    """The sender's index and the macs are not under the AEADs: they are mac1's."""
    (_, i), (responder, r) = natives()
    message = i.initiate(1, STAMP)
    opened = responder.open(flipped(message, bit))
    authentic = opened is not None and r.accept(opened) is not None
    index = 8 * (148 - 8) <= bit < 8 * (148 - 4)
    assert authentic == index
    assert r.state == noise.ZEROED
    assert committed(responder, r, message) == STAMP


@given(st.integers(8 * 32, 8 * 92 - 1))
def test_one_flipped_bit_of_a_response(bit):
    (_, i), (responder, r) = natives(PRESHARED)
    committed(responder, r, i.initiate(I_INDEX, STAMP))
    response = r.respond(R_INDEX)
    index = 8 * (92 - 8) <= bit < 8 * (92 - 4)
    assert i.read_response(flipped(response, bit)) == index
    assert index or i.state == noise.INITIATION_CREATED
    assert index or i.read_response(response)


def test_ordinary_entropy_makes_another_key_each_time():
    (_, i), (responder, r) = natives()
    first, second = i.initiate(1, STAMP), i.initiate(1, STAMP)
    assert first[8:40] != second[8:40]
    committed(responder, r, second)
    assert i.read_response(r.respond(2))
    assert r.session().open(0, i.session().seal(0, b"packet")) == b"packet"


def test_wrong_preshared_key():
    (_, i), (responder, r) = natives(PRESHARED, bytes([6]) * 32)
    committed(responder, r, i.initiate(1, STAMP))
    assert not i.read_response(r.respond(2))
    i.preshared(bytes([6]) * 32)
    assert i.preshared_key == bytes([6]) * 32
    committed(responder, r, i.initiate(1, STAMP))
    assert i.read_response(r.respond(2))


@pytest.mark.parametrize("point", LOW_ORDER)
def test_public_keys_of_low_order(point):
    _, handshake = slot(INITIATOR, point)
    assert not handshake.possible
    with pytest.raises(ValueError, match="low order"):
        handshake.initiate(1, STAMP)
    (_, i), (responder, r) = natives()
    message = i.initiate(1, STAMP)
    assert responder.open(message[:8] + point + message[40:]) is None
    committed(responder, r, message)
    response = r.respond(2)
    assert not i.read_response(response[:12] + point + response[44:])
    assert i.read_response(response)


def test_what_is_out_of_order_raises():
    (_, i), (responder, r) = natives()
    message = i.initiate(1, STAMP)
    opened = responder.open(message)
    with pytest.raises(ValueError, match="has not accepted"):
        r.commit(opened)
    with pytest.raises(ValueError, match="no initiation was committed"):
        r.respond(2)
    assert r.accept(opened) == STAMP
    r.commit(opened)
    with pytest.raises(ValueError, match="has not accepted"):
        r.commit(opened)
    with pytest.raises(ValueError, match="no response"):
        r.session()
    response = r.respond(2)
    with pytest.raises(ValueError, match="no initiation was committed"):
        r.respond(3)
    assert i.read_response(response)
    assert not i.read_response(response)
    for handshake in (i, r):
        handshake.session()
        assert (handshake.state, handshake.local_index, handshake.remote_index) == (noise.ZEROED, 0, 0)
        with pytest.raises(ValueError, match="no response"):
            handshake.session()


def test_the_later_event_wins():
    """Both begin at once: an initiation that is consumed overwrites one's own."""
    (initiator, i), (responder, r) = natives()
    mine, theirs = i.initiate(1, STAMP), r.initiate(2, STAMP)
    committed(initiator, i, theirs)
    assert i.state == noise.INITIATION_CONSUMED
    committed(responder, r, mine)
    answer = r.respond(3)
    assert not i.read_response(answer)
    assert i.state == noise.INITIATION_CONSUMED


def test_another_peers_slot_accepts_nothing():
    (_, i), (responder, _) = natives()
    _, stranger = slot(RESPONDER, oracle.public(E_I))
    stranger.identify(responder)
    assert stranger.accept(responder.open(i.initiate(1, STAMP))) is None


def test_a_change_of_identity_forgets_what_was_accepted():
    (_, i), (responder, r) = natives()
    opened = responder.open(i.initiate(1, STAMP))
    assert r.accept(opened) == STAMP
    r.identify(Identity(E_R))
    with pytest.raises(ValueError, match="has not accepted"):
        r.commit(opened)
    assert r.accept(opened) is None
    r.identify(None)
    assert not r.possible
    with pytest.raises(ValueError, match="no identity"):
        r.initiate(1, STAMP)


def test_clear():
    (_, i), _ = natives(PRESHARED)
    i.initiate(1, STAMP, E_I)
    assert i.ephemeral_private() == bytes([0]) + E_I[1:31] + bytes([E_I[31] & 127 | 64])
    i.clear()
    assert (i.state, i.possible, i.preshared_key) == (noise.ZEROED, True, PRESHARED)
    with pytest.raises(ValueError, match="no message was made"):
        i.ephemeral_private()


@pytest.mark.parametrize("message", [b"", bytes(148), b"\1" + bytes(146), b"\1\0\0\1" + bytes(144)])
def test_what_is_no_message_answers_nothing(message):
    (_, i), _ = natives()
    i.initiate(1, STAMP)
    assert not i.read_response(message)


@pytest.mark.parametrize("call", [
    lambda: Handshake(bytes(33)), lambda: Handshake(bytes(32)).preshared(b""),
    lambda: natives()[0][1].initiate(1, bytes(11)), lambda: natives()[0][1].initiate(1, STAMP, bytes(31)),
])  # fmt: skip
def test_sizes_are_looked_at(call):
    with pytest.raises(ValueError, match="bytes, not"):
        call()
