"""ChaCha20-Poly1305 and XChaCha20-Poly1305 of single messages, against the drafts and another implementation."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from tunnel.crypto import oneshot

VECTORS = Path(__file__).parents[2] / "vectors"
KEY = bytes(range(0x80, 0xA0))
AAD = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
SUNSCREEN = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    b"sunscreen would be it."
)
keys = st.binary(min_size=32, max_size=32)
nonces = st.one_of(st.binary(min_size=12, max_size=12), st.binary(min_size=24, max_size=24))


def test_hchacha20_draft():
    """draft-irtf-cfrg-xchacha-03 section 2.2.1."""
    subkey = oneshot.hchacha20(bytes(range(32)), bytes.fromhex("000000090000004a0000000031415927"))
    assert subkey.hex() == "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc"


def test_xchacha20_poly1305_draft():
    """draft-irtf-cfrg-xchacha-03 appendix A.3.1."""
    sealed = oneshot.seal(KEY, bytes(range(0x40, 0x58)), AAD, SUNSCREEN)
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49"
    assert sealed[:32].hex() == "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"


def test_chacha20_poly1305_rfc_8439():
    """Section 2.8.2."""
    sealed = oneshot.seal(KEY, bytes.fromhex("070000004041424344454647"), AAD, SUNSCREEN)
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"


@pytest.mark.parametrize("cipher", ["chacha20", "xchacha20"])
def test_wycheproof(cipher):
    tests = json.loads((VECTORS / f"wycheproof_{cipher}_poly1305.json").read_text())["tests"]
    assert len(tests) > 300
    for test in tests:
        key, iv, aad, plain, ct, tag = (bytes.fromhex(test[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag"))
        if len(iv) not in (12, 24):
            with pytest.raises(ValueError, match="nonce"):
                oneshot.unseal(key, iv, aad, ct + tag)
        elif test["result"] == "valid":
            assert oneshot.seal(key, iv, aad, plain) == ct + tag, test["tcId"]
            assert oneshot.unseal(key, iv, aad, ct + tag) == plain, test["tcId"]
        else:
            assert oneshot.unseal(key, iv, aad, ct + tag) is None, test["tcId"]


@given(keys, st.binary(min_size=12, max_size=12), st.binary(max_size=80), st.binary(max_size=300))
def test_another_implementation(key, nonce, aad, plain):
    assert oneshot.seal(key, nonce, aad, plain) == ChaCha20Poly1305(key).encrypt(nonce, plain, aad)


@given(keys, nonces, st.binary(max_size=40), st.binary(max_size=100), st.data())
def test_what_was_sealed_opens_and_one_bit_closes_it(key, nonce, aad, plain, data):
    sealed = oneshot.seal(key, nonce, aad, plain)
    assert oneshot.unseal(key, nonce, aad, sealed) == plain
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    flipped = (int.from_bytes(sealed, "big") ^ 1 << bit).to_bytes(len(sealed), "big")
    assert oneshot.unseal(key, nonce, aad, flipped) is None
    assert oneshot.unseal(key, nonce, aad + b"\0", sealed) is None


def test_what_has_no_tag_does_not_open():
    assert oneshot.unseal(KEY, bytes(12), b"", bytes(15)) is None


@pytest.mark.parametrize("run", [oneshot.seal, oneshot.unseal])
@pytest.mark.parametrize("sizes", [(0, (1 << 30) + 1), ((1 << 30) + 1, 16)])
def test_what_an_int_does_not_count_is_refused(run, sizes):
    aad, text = map(bytes, sizes)
    with pytest.raises(ValueError, match="at most 1073741824 bytes"):
        run(KEY, bytes(12), aad, text)


@pytest.mark.parametrize("nonce", [0, 8, 16, 25])
def test_sizes_are_looked_at(nonce):
    with pytest.raises(ValueError, match="nonce"):
        oneshot.seal(KEY, bytes(nonce), b"", b"")
    with pytest.raises(ValueError, match="nonce"):
        oneshot.unseal(KEY, bytes(nonce), b"", bytes(16))
    with pytest.raises(ValueError, match="32 bytes"):
        oneshot.hchacha20(bytes(31), bytes(16))
