"""The primitives of a handshake, through their Python faces."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.crypto import blake2s, oneshot, x25519

KEY = bytes(range(32))


def test_x25519(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of a public key: one multiplication of the base point, a key object around it."""
    benchmark(x25519.public, KEY)


def test_kdf(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of KDF2 of a shared secret: three HMACs."""
    benchmark(blake2s.kdf, KEY, KEY, 2)


def test_mac(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of 116 bytes under a fresh key."""
    benchmark(blake2s.mac, KEY, bytes(116))


def test_seal(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of 32 bytes in a context for one message."""
    benchmark(oneshot.seal, KEY, bytes(12), KEY, KEY)


def test_hchacha20(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of one subkey."""
    benchmark(oneshot.hchacha20, KEY, bytes(16))
