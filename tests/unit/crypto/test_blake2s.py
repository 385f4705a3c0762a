"""BLAKE2s against the RFC's vector, its authors' known answers, and hashlib."""

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import noise as oracle
from tunnel.crypto import blake2s

ANSWERS = json.loads((Path(__file__).parents[2] / "vectors/blake2s_kat.json").read_text())
texts = st.binary(max_size=300)


def test_rfc_7693():
    """Appendix B."""
    wanted = "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982"
    assert blake2s.digest(b"abc").hex() == wanted


def test_known_answers():
    assert [blake2s.digest(bytes(range(size))).hex() for size in range(256)] == ANSWERS["plain"]


def test_known_answers_with_a_key():
    """Those have 32 bytes, a MAC of WireGuard 16, which is another hash: they prove the oracle that proves ours."""
    key = bytes(range(32))
    texts = [bytes(range(size)) for size in range(256)]
    assert [hashlib.blake2s(text, key=key).hexdigest() for text in texts] == ANSWERS["keyed"]
    assert [blake2s.mac(key, text) for text in texts] == [
        hashlib.blake2s(text, key=key, digest_size=16).digest() for text in texts
    ]


def test_kdf_vector():
    assert [out.hex() for out in blake2s.kdf(b"test-key", b"test-input", 3)] == [
        "6f0e5ad38daba1bea8a0d213688736f19763239305e0f58aba697f9ffc41c633",
        "df1194df20802a4fe594cde27e92991c8cae66c366e8106aaa937a55fa371e8a",
        "fac6e2745a325f5dc5d11a5b165aad08b0ada28e7b4e666b7c077934a4d76c24",
    ]


def test_mac_vector():
    assert blake2s.mac(bytes(range(32)), b"").hex() == "9536f9b267655743dee97b8a670f9f53"


@given(texts)
def test_digest(content):
    assert blake2s.digest(content) == hashlib.blake2s(content).digest()


@given(st.binary(min_size=1, max_size=32), texts)
def test_mac(key, content):
    assert blake2s.mac(key, content) == oracle.mac(key, content)


@given(st.binary(max_size=64), texts, st.integers(1, 3))
def test_kdf(key, content, count):
    secret = hmac.digest(key, content, "blake2s")
    outs = blake2s.kdf(key, content, count)
    assert len(outs) == count
    assert outs[0] == hmac.digest(secret, b"\1", "blake2s")
    assert list(outs) == oracle.kdf(key, content, count)


@pytest.mark.parametrize("call", [
    lambda: blake2s.mac(b"", b""), lambda: blake2s.mac(bytes(33), b""), lambda: blake2s.kdf(bytes(65), b"", 1),
    lambda: blake2s.kdf(b"", b"", 0), lambda: blake2s.kdf(b"", b"", 4),
])  # fmt: skip
def test_what_has_no_meaning_is_refused(call):
    with pytest.raises(ValueError, match="bytes"):
        call()
