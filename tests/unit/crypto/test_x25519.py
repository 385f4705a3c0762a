"""X25519 against RFC 7748, Wycheproof and another implementation."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracles import noise as oracle
from tunnel.crypto import x25519

WYCHEPROOF = json.loads((Path(__file__).parents[2] / "vectors/wycheproof_x25519.json").read_text())
BASE = bytes([9]) + bytes(31)
keys = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize(("scalar", "point", "product"), [
    ("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
     "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
     "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"),
    ("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
     "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
     "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957"),
])  # fmt: skip
def test_rfc_7748_section_5_2(scalar, point, product):
    assert x25519.shared(bytes.fromhex(scalar), bytes.fromhex(point)).hex() == product


@pytest.mark.parametrize(("times", "product"), [
    (1, "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079"),
    (1000, "684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"),
    pytest.param(
        1_000_000, "7c3911e0ab2586fd864497297e575e6f3bc601c0883c30df5f4dd2d24f665424", marks=pytest.mark.soak
    ),
])  # fmt: skip
def test_rfc_7748_iterated(times: int, product: str):
    k: bytes | None = BASE
    u: bytes | None = BASE
    for _ in range(times):
        k, u = x25519.shared(k, u), k
    assert k.hex() == product


def test_rfc_7748_section_6_1():
    alice = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    bob = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
    assert x25519.public(alice).hex() == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
    assert x25519.public(bob).hex() == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
    wanted = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"
    assert x25519.shared(alice, x25519.public(bob)).hex() == wanted
    assert x25519.shared(bob, x25519.public(alice)).hex() == wanted


@pytest.mark.parametrize(("number", "private", "public", "shared"), WYCHEPROOF["tests"])
def test_wycheproof(number, private, public, shared):
    found = x25519.shared(bytes.fromhex(private), bytes.fromhex(public))
    assert found == (bytes.fromhex(shared) if int(shared, 16) else None), number


@given(keys, keys)
def test_another_implementation(one, other):
    assert x25519.public(one) == oracle.public(one)
    assert x25519.shared(one, x25519.public(other)) == oracle.dh(other, x25519.public(one))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_has_32_bytes(size):
    with pytest.raises(ValueError, match="32 bytes"):
        x25519.public(bytes(size))
    with pytest.raises(ValueError, match="32 bytes"):
        x25519.shared(BASE, bytes(size))
