"""Keys that change, vanish, are one's own, or are of low order."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.interop.ends import End, fresh_key, ours, peer_section, public_of, started
from tests.interop.pairs import INNER, OUTER, Pair, answers, at, bound
from tests.netns.conftest import a_lab

# Public keys of low order in their usual encodings: with them X25519 gives nothing but zeroes.
LOW_ORDER = [
    bytes(32),
    bytes([1]) + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


def renewed(end: End) -> None:
    """A new private key for a running end."""
    end.private = fresh_key()
    end.set("private-key", "/dev/stdin", text=end.private)
    end.public = public_of(end.private)


def introduced(pair: Pair, known: End, key: str) -> None:
    """The other end knows one by a new key from now on."""
    number = pair.ends.index(known)
    other = pair.ends[1 - number]
    words = ("endpoint", at(OUTER[4][number], known.port), "allowed-ips", f"{INNER[4][number]}/32")
    other.set("peer", key, "remove")
    other.set("peer", known.public, *words)


@pytest.mark.parametrize("speaker", [0, 1])
def test_a_new_private_key_is_used_at_once(pair: Pair, speaker: int):
    pair.reset()
    assert answers(pair.west.node, INNER[4][1])
    before = pair.west.public
    renewed(pair.west)
    introduced(pair, pair.west, before)
    assert answers(pair.ends[speaker].node, INNER[4][1 - speaker])
    assert pair.east.peer(pair.west).handshake_s > 0


def test_a_preshared_key_counts_from_the_next_handshake(pair: Pair):
    pair.reset()
    assert answers(pair.west.node, INNER[4][1])
    psk, met = fresh_key(), pair.west.peer(pair.east).handshake_s
    for end, other in (pair.ends, pair.ends[::-1]):
        end.set("peer", other.public, "preshared-key", "/dev/stdin", text=psk)
    assert answers(pair.west.node, INNER[4][1]) and pair.west.peer(pair.east).handshake_s == met
    before = pair.west.public
    renewed(pair.west)
    introduced(pair, pair.west, before)
    assert not answers(pair.west.node, INNER[4][1])  # east's new entry has no preshared key
    introduced(pair, pair.west, pair.west.public)  # anew: it has just answered, and need not ask for five seconds
    pair.east.set("peer", pair.west.public, "preshared-key", "/dev/stdin", text=psk)
    assert answers(pair.east.node, INNER[4][0])


def test_the_same_private_key_again_changes_nothing(pair: Pair):
    pair.reset()
    assert answers(pair.west.node, INNER[4][1])
    before = pair.west.peer(pair.east)
    pair.west.set("private-key", "/dev/stdin", text=pair.west.private)
    assert answers(pair.west.node, INNER[4][1])
    after = pair.west.peer(pair.east)
    assert after.handshake_s == before.handshake_s
    assert after.tx - before.tx == after.rx - before.rx < 148  # an echo and its answer, and no handshake


@pytest.fixture(scope="module")
def lonely() -> Iterator[End]:
    """An end of ours with nobody there."""
    with a_lab() as lab:
        node = lab.node("here")
        node.address("lo", "192.0.2.9/32")
        with started(lab, node, ours(), "wg0", port=1234) as end:
            node.up("wg0")
            yield end


def test_keys_are_removed_by_an_empty_file(lonely: End):
    peer = public_of(fresh_key())
    psk = fresh_key()
    lonely.configure(peer_section(peer, ["10.0.0.0/8"], psk=psk))
    assert lonely.show("preshared-keys") == f"{peer}\t{psk}"
    lonely.set("private-key", "/dev/null", "peer", peer, "preshared-key", "/dev/null")
    assert lonely.show("preshared-keys") == f"{peer}\t(none)"
    assert (lonely.show("private-key"), lonely.show("public-key")) == ("(none)", "(none)")


def test_the_own_public_key_is_no_peer(lonely: End):
    other = public_of(fresh_key())
    lonely.configure()
    lonely.set("peer", lonely.public, "allowed-ips", "10.1.0.0/16", "peer", other, "allowed-ips", "10.2.0.0/16")
    assert lonely.show("allowed-ips") == f"{other}\t10.2.0.0/16"


def test_a_peer_whose_key_becomes_the_own_is_removed(lonely: End):
    private = fresh_key()
    lonely.configure(peer_section(public_of(private), ["10.1.0.0/16"]))
    assert lonely.show("peers") == public_of(private)
    lonely.set("private-key", "/dev/stdin", text=private)
    assert lonely.show("peers") == ""


def test_a_private_key_is_clamped(lonely: End):
    lonely.set("private-key", "/dev/stdin", text=base64.b64encode(b"\xff" * 32).decode())
    shown = base64.b64decode(lonely.show("private-key"))
    assert shown == b"\xf8" + b"\xff" * 30 + b"\x7f"


def test_a_key_of_low_order_is_a_peer_that_never_sends(lonely: End):
    weak = [base64.b64encode(point).decode() for point in LOW_ORDER]
    sound = public_of(fresh_key())
    with bound(lonely.node, "192.0.2.9", 1111) as receiver:
        peers = [
            peer_section(key, [f"10.{number}.0.0/16"], endpoint="192.0.2.9:1111", keepalive=1)
            for number, key in enumerate([*weak, sound])
        ]
        lonely.configure(*peers)
        assert set(lonely.show("peers").split()) == {*weak, sound}
        first = receiver.recv(2048)
        assert len(first) == 148
        receiver.settimeout(1.2)
        with pytest.raises(TimeoutError):
            receiver.recv(2048)
        assert {lonely.peer(key).tx for key in weak} == {0}
        assert lonely.peer(sound).tx == 148
