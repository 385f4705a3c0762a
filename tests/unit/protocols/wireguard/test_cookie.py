"""mac1, mac2 and cookies: known bytes, the oracle, and what a flood would try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import noise as oracle
from tests.unit.protocols.wireguard.parties import E_I, I_INDEX, PRESHARED, STAMP, flipped, natives
from tunnel.crypto import oneshot
from tunnel.protocols.wireguard.cookie import Checker, Stamper

SECOND = 1_000_000_000
PUBLIC = oracle.public(bytes([2]) * 32)
SOURCE = bytes.fromhex("c0000201ca6c")    # 192.0.2.1, port 51820
SOURCE6 = bytes.fromhex("20010db8000000000000000000000001ca6c")
NONCE, SECRET = bytes(range(24)), bytes([6]) * 32
messages = st.one_of(st.binary(min_size=148, max_size=148), st.binary(min_size=92, max_size=92))


@pytest.fixture
def sides() -> tuple[Stamper, Checker]:
    """Who sends to a device, and the device."""
    return Stamper(PUBLIC), Checker(PUBLIC)


def initiation() -> bytes:
    """The known one, without macs."""
    (_, i), _ = natives(PRESHARED)
    return i.initiate(I_INDEX, STAMP, E_I)


def test_known_bytes(sides):
    stamper, checker = sides
    stamped = stamper.stamp(initiation(), 0)
    assert stamped[116:].hex() == "e37bb7c3ddc3b79b219c10661088ec11" + "00" * 16
    assert checker.mac1(stamped)
    reply = checker.reply(stamped, SOURCE, 0, NONCE, SECRET)
    assert reply.hex() == (
        "0300000004030201" + NONCE.hex() + "e3bfff50f879a3abaef20ebf415a9f2c7e1ac4e59e33991660e83c015fea3d5c"
    )
    assert stamper.receive(reply, 0)
    again = stamper.stamp(initiation(), 0)
    assert again[132:].hex() == "5aa77336936766d01fece047e60ec79a"
    assert checker.mac2(again, SOURCE, 0)


@given(messages)
def test_mac1_is_the_oracles(message):
    stamped = Stamper(PUBLIC).stamp(message, 0)
    key = oracle.digest(b"mac1----", PUBLIC)
    assert stamped == message[:-32] + oracle.mac(key, message[:-32]) + bytes(16)
    assert Checker(PUBLIC).mac1(stamped)
    assert not Checker(oracle.public(E_I)).mac1(stamped)


@given(messages, st.data())
def test_mac1_covers_all_before_it(message, data):
    stamped = Stamper(PUBLIC).stamp(message, 0)
    bit = data.draw(st.integers(0, 8 * len(message) - 1))
    assert Checker(PUBLIC).mac1(flipped(stamped, bit)) == (bit < 8 * 16)


@given(messages, st.sampled_from([SOURCE, SOURCE6]), st.data())
def test_the_way_of_a_cookie(message, source, data):
    """The second message proves that its sender gets what is sent to its address; nothing else does."""
    stamper, checker = Stamper(PUBLIC), Checker(PUBLIC)
    first = stamper.stamp(message, 0)
    assert not checker.mac2(first, source, 0)
    reply = checker.reply(first, source, 0)
    assert (len(reply), reply[4:8]) == (64, message[4:8])
    bit = data.draw(st.integers(0, 8 * 56 - 1))
    assert not stamper.receive(flipped(reply, bit), 0)
    assert stamper.receive(reply, 0)
    second = stamper.stamp(message, SECOND)
    assert second[:-16] == first[:-16]
    assert checker.mac1(second)
    assert checker.mac2(second, source, SECOND)
    assert not checker.mac2(flipped(second, data.draw(st.integers(0, 8 * len(second) - 1))), source, SECOND)
    elsewhere = flipped(source, data.draw(st.integers(0, 8 * len(source) - 1)))
    assert not checker.mac2(second, elsewhere, SECOND)


def test_the_oracle_opens_a_reply(sides):
    stamper, checker = sides
    stamped = stamper.stamp(bytes(148), 0)
    reply = checker.reply(stamped, SOURCE, 0, secret=SECRET)
    key = oracle.digest(b"cookie--", PUBLIC)
    subkey = oneshot.hchacha20(key, reply[8:24])
    nonce = int.from_bytes(reply[24:32], "little")
    assert oracle.opened(subkey, nonce, reply[32:], stamped[-32:-16]) == oracle.mac(SECRET, SOURCE)


def test_a_reply_is_for_one_message(sides):
    stamper, checker = sides
    assert not stamper.receive(bytes(64), 0)
    early = checker.reply(stamper.stamp(bytes(148), 0), SOURCE, 0)
    late = stamper.stamp(bytes([1]) * 148, 0)
    assert not stamper.receive(early, 0)
    reply = checker.reply(late, SOURCE, 0)
    assert stamper.receive(reply, 0)
    assert not stamper.receive(reply, 0)
    assert not stamper.receive(checker.reply(late, SOURCE, 0), 0)


def test_what_is_no_reply_is_none(sides):
    stamper, checker = sides
    reply = checker.reply(stamper.stamp(bytes(148), 0), SOURCE, 0)
    assert not stamper.receive(reply[:-1], 0)
    assert not stamper.receive(b"\4" + reply[1:], 0)
    assert stamper.receive(reply, 0)


def test_a_cookie_is_used_for_120_seconds(sides):
    stamper, checker = sides
    stamper.receive(checker.reply(stamper.stamp(bytes(148), 0), SOURCE, 0), 5 * SECOND)
    assert any(stamper.stamp(bytes(148), 125 * SECOND - 1)[-16:])
    assert not any(stamper.stamp(bytes(148), 125 * SECOND)[-16:])
    assert not any(stamper.stamp(bytes(148), 6 * SECOND)[-16:])


def test_a_secret_lives_120_seconds(sides):
    stamper, checker = sides
    stamper.receive(checker.reply(stamper.stamp(bytes(148), 0), SOURCE, 7), 0)
    message = stamper.stamp(bytes(148), 0)
    assert checker.mac2(message, SOURCE, 120 * SECOND)
    assert not checker.mac2(message, SOURCE, 120 * SECOND + 7)
    checker.reply(message, SOURCE, 120 * SECOND)
    assert checker.mac2(message, SOURCE, 120 * SECOND)
    checker.reply(message, SOURCE, 120 * SECOND + 7)
    assert not checker.mac2(message, SOURCE, 120 * SECOND + 7)


def test_replies_differ(sides):
    stamper, checker = sides
    message = stamper.stamp(bytes(92), 0)
    assert checker.reply(message, SOURCE, 0) != checker.reply(message, SOURCE, 0)
    assert checker.reply(message, SOURCE, 0, NONCE) == checker.reply(message, SOURCE, 0, NONCE)


@pytest.mark.parametrize("call", [
    lambda: Checker(bytes(31)), lambda: Stamper(bytes(33)), lambda: Checker(PUBLIC).mac1(bytes(147)),
    lambda: Checker(PUBLIC).mac2(bytes(148), bytes(4), 0), lambda: Stamper(PUBLIC).stamp(bytes(64), 0),
    lambda: Checker(PUBLIC).reply(bytes(148), SOURCE, 0, bytes(12)),
    lambda: Checker(PUBLIC).reply(bytes(148), SOURCE, 0, None, bytes(16)),
])  # fmt: skip
def test_sizes_are_looked_at(call):
    with pytest.raises(ValueError, match="bytes, not"):
        call()
