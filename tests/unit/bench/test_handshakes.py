"""The messages of simulated peers, by a handshake that was computed elsewhere and completed with wireguard-go."""

from __future__ import annotations

import struct
from hashlib import blake2s

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bench.handshakes import INITIATION_SIZE, Session, derived, hashed, mac1, strangers, tai64n
from bench.tools.peers import public

STAMP = bytes.fromhex("400000006553f10a1d000000")
RECEIVER = bytes.fromhex("ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e587d59")
INITIATION = (
    "01000000040302015dfedd3b6bd47f6fa28ee15d969d5bb0ea53774d488bdaf9df1c6e0124b3ef220a26599fb2188bb723276fc173af67"
    "616c817fc32fd04d686d87ec152fac10eed2bda3bb3b6f1eded6977684082284d817fb46b3a99b6be3a0273ed6f169357ca2db0ffb2b85"
    "638aa5679250e37bb7c3ddc3b79b219c10661088ec11"
)
RESPONSE = (
    "020000000807060504030201ac01b2209e86354fb853237b5de0f4fab13c7fcbf433a61c019369617fecf10bd5b6d2bb0cf7064a18589e"
    "a8b2e075a65c393412fd1951412550e03d5fe2661c"
)
KEEPALIVE = "040000000807060500000000000000002573d3030aabba0c616df8e5a1bab60b"


def known() -> Session:
    session = Session(X25519PrivateKey.from_private_bytes(b"\1" * 32), RECEIVER, 0x01020304, b"\5" * 32)
    session.ephemeral = X25519PrivateKey.from_private_bytes(b"\3" * 32)
    return session


def test_the_known_handshake():
    session = known()
    assert session.initiation(STAMP) == bytes.fromhex(INITIATION) + bytes(16)
    assert session.confirmation(bytes.fromhex(RESPONSE) + bytes(16)) == bytes.fromhex(KEEPALIVE)


def test_the_known_derivation():
    first, *_ = derived(b"test-key", b"test-input", 3)
    assert first.hex() == "6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633"


def test_a_time_without_a_fraction():
    assert tai64n(1700000000) == STAMP[:8] + bytes(4)


def test_a_stranger_has_the_first_mac_right_or_not():
    key = blake2s(b"mac1----" + RECEIVER).digest()
    for receiver, right in ((RECEIVER, True), (None, False)):
        flood = strangers(receiver, 3)
        assert len(flood) == 3 * INITIATION_SIZE
        for number in range(3):
            message = flood[number * INITIATION_SIZE : (number + 1) * INITIATION_SIZE]
            assert struct.unpack_from("<II", message) == (1, number)
            wanted = blake2s(message[:116], digest_size=16, key=key).digest()
            assert (message[116:132] == wanted == mac1(RECEIVER, message[:116])) == right


def test_hashes_are_of_the_parts_together():
    assert hashed(b"Noise_IKpsk2_25519_", b"ChaChaPoly_BLAKE2s").hex().startswith("60e26daef327efc0")


def test_simulated_peers_are_the_same_in_every_run():
    assert len({public(number) for number in range(20)}) == 20
    assert public(3) == public(3)
