"""ChaCha20-Poly1305 by each library, against RFC 8439, edge cases, and ``cryptography``."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.crypto.aeads import PRESENT, TAG, nonce, opened, poly1305_key, sealed
from tunnel.crypto import aead as module
from tunnel.crypto.aead import LIBRARIES, VARIABLE, Aead
from tunnel.errors import ConfigError

WYCHEPROOF = json.loads((Path(__file__).parents[2] / "vectors/wycheproof_chacha20_poly1305.json").read_text())
# A nonce here is a counter behind four zero bytes; `tunnel.crypto.oneshot` takes them all.
VECTORS = [test for test in WYCHEPROOF["tests"] if test["iv"].startswith("00000000") and len(test["iv"]) == 24]
HEADER = Path("/usr/include/intel-ipsec-mb.h")
KEYS = [random.Random(n).randbytes(32) for n in range(3)]
P = 2**130 - 5
# Of Poly1305's last sum before s is added: what limbs of 26, 44 and 64 bits carry out of, and wrap at.
SUMS = [0, 1, 4, 5, 2**26 - 1, 2**44 - 1, 2**64 - 1, 2**64, 2**88 - 1, 2**128 - 1, 2**128, 2**129, P - 6, P - 2, P - 1]

libraries = pytest.mark.parametrize("library", PRESENT)
packets = st.lists(
    st.tuples(st.sampled_from(KEYS), st.integers(0, 2**64 - 1), st.integers(0, 2000)), max_size=64
)


def text(size: int, seed: int = 0) -> bytes:
    return random.Random(seed * 4099 + size).randbytes(size)


@libraries
def test_the_text_of_the_rfc(library):
    """RFC 8439, A.5; its tag covers associated data, which proves that key, nonce and text are the RFC's."""
    key, counter, plain = module.RFC_KEY, module.RFC_COUNTER, module.RFC_TEXT
    with_data = sealed(key, counter, plain, bytes.fromhex("f33388860000000000004e91"))
    assert with_data[-TAG:].hex() == "eead9d67890cbb22392336fea1851f38"
    assert Aead(library).seal(key, counter, plain) == with_data[:-TAG] + module.RFC_TAG
    assert sealed(key, counter, plain)[-TAG:] == module.RFC_TAG


@libraries
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["tcId"]))
def test_poly1305_keys_with_odd_limbs(library, vector):
    """Their tags are over associated data, which `Aead` has not: the oracle gives those without."""
    key, plain, ciphertext = (bytes.fromhex(vector[name]) for name in ("key", "msg", "ct"))
    counter = int.from_bytes(bytes.fromhex(vector["iv"])[4:], "little")
    assert nonce(counter).hex() == vector["iv"]
    ours = Aead(library).seal(key, counter, plain)
    assert ours[:-TAG] == ciphertext
    assert ours == sealed(key, counter, plain)
    assert Aead(library).open(key, counter, ours) == plain


@libraries
@pytest.mark.parametrize("wanted", SUMS, ids=hex)
@pytest.mark.parametrize("blocks", [1, 5, 90])
def test_poly1305_sums_at_the_edge(library, wanted, blocks):
    """A ciphertext whose last block is solved for the sum that is wanted, its tag by whole numbers."""
    key = KEYS[0]
    for counter in range(1000):
        r, s = poly1305_key(key, counter)
        first, total = text(16 * (blocks - 1), counter), 0
        for at in range(0, len(first), 16):
            total = (total + int.from_bytes(first[at : at + 16] + b"\1", "little")) * r % P
        sizes = (16 * blocks << 64) + 2**128
        last = ((wanted * pow(r, -1, P) - sizes) * pow(r, -1, P) - total) % P - 2**128
        if 0 <= last < 2**128:
            break
    else:
        raise AssertionError("one counter in four has such a block")
    whole = first + last.to_bytes(16, "little") + ((wanted + s) % 2**128).to_bytes(16, "little")
    plain = opened(key, counter, whole)
    assert plain is not None
    assert Aead(library).open(key, counter, whole) == plain
    assert Aead(library).seal(key, counter, plain) == whole


@libraries
def test_every_size(library):
    these = [(KEYS[0], size, text(size)) for size in range(2001)]
    expected = [sealed(*packet) for packet in these]
    assert Aead(library).seal_all(these) == expected
    assert Aead(library).open_all((KEYS[0], size, one) for size, one in enumerate(expected)) == [
        plain for _, _, plain in these
    ]


@libraries
@given(rows=packets, spoilt=st.sets(st.integers(0, 63)))
def test_any_packets_in_one_call(library, rows, spoilt):
    """Keys and sizes mixed; those that are spoilt do not touch the others."""
    aead = Aead(library)
    these = [(key, counter, text(size, row)) for row, (key, counter, size) in enumerate(rows)]
    expected = [sealed(*packet) for packet in these]
    assert aead.seal_all(these) == expected
    received = [bytes([one[0] ^ 1]) + one[1:] if row in spoilt else one for row, one in enumerate(expected)]
    assert aead.open_all((key, counter, one) for (key, counter, _), one in zip(these, received, strict=True)) == [
        None if row in spoilt else plain for row, (_, _, plain) in enumerate(these)
    ]


@libraries
@pytest.mark.parametrize("size", [0, 1, 100, 1440])
def test_every_flipped_bit_is_refused(library, size):
    aead = Aead(library)
    right = aead.seal(KEYS[0], 7, text(size))
    number = int.from_bytes(right, "little")
    flipped = [(number ^ 1 << bit).to_bytes(len(right), "little") for bit in range(8 * len(right))]
    assert aead.open_all((KEYS[0], 7, one) for one in flipped) == [None] * len(flipped)
    assert aead.open(KEYS[0], 7, right) == text(size)


@libraries
def test_another_key_counter_or_length_is_refused(library):
    aead = Aead(library)
    right = aead.seal(KEYS[0], 7, text(64))
    assert aead.open_all([(KEYS[1], 7, right), (KEYS[0], 8, right), (KEYS[0], 7 + 2**63, right)]) == [None] * 3
    assert aead.open_all((KEYS[0], 7, right[:size]) for size in range(80)) == [None] * 80
    assert aead.open(KEYS[0], 7, right + b"\0") is None


@libraries
@given(garbage=st.binary(max_size=100))
def test_garbage_is_refused(library, garbage):
    assert Aead(library).open(KEYS[0], 0, garbage) is None


@libraries
def test_no_packets(library):
    assert Aead(library).seal_all([]) == []
    assert Aead(library).open_all([]) == []


@libraries
def test_it_works_on_after_it_forgot(library):
    aead = Aead(library)
    before = aead.seal(KEYS[0], 1, text(100))
    aead.forget()
    assert aead.seal(KEYS[0], 1, text(100)) == before
    aead.forget()
    assert aead.open(KEYS[0], 1, before) == text(100)


@libraries
@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_key_has_32_bytes(library, size):
    with pytest.raises(ValueError, match="32 bytes"):
        Aead(library).seal(bytes(size), 0, b"")


@libraries
def test_a_text_that_an_int_does_not_count_is_refused(library):
    aead = Aead(library)
    for run in (aead.seal, aead.open):
        with pytest.raises(ValueError, match="at most 1073741824 bytes"):
            run(KEYS[0], 0, bytes((1 << 30) + 1))


@libraries
def test_the_environment_chooses(library, monkeypatch):
    monkeypatch.setenv(VARIABLE, library)
    assert Aead().library == module.chosen() == library


@pytest.mark.parametrize("value", [None, ""])
def test_unasked_it_is_the_faster_one(monkeypatch, value):
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    assert module.chosen() is None
    assert Aead().library == PRESENT[0]
    assert list(PRESENT) == [name for name in LIBRARIES if name == "libcrypto" or HEADER.exists()]


def test_a_name_that_is_none(monkeypatch):
    with pytest.raises(ConfigError, match="^library: 'openssl': one of ipsec-mb, libcrypto was expected$"):
        Aead("openssl")
    monkeypatch.setenv(VARIABLE, "ipsec")
    with pytest.raises(ConfigError, match="^TUNNEL_AEAD: 'ipsec': one of ipsec-mb, libcrypto was expected$"):
        Aead()


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_that_fails_the_rfc_is_not_used(monkeypatch, library):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(module, "RFC_TAG", bytes(TAG))
    with pytest.raises(ConfigError, match=library):
        Aead(library)
    with pytest.raises(ConfigError, match="default provider"):
        Aead()
