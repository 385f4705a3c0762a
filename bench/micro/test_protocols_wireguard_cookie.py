"""What a flood of handshake messages costs: mac1 of each, then mac2 or a cookie reply."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture

from tunnel.protocols.wireguard.cookie import Checker, Stamper
from tunnel.protocols.wireguard.identity import Identity

PUBLIC = Identity(bytes([2]) * 32).public
SOURCE = bytes(6)


def test_mac1(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of one initiation."""
    message = Stamper(PUBLIC).stamp(bytes(148), 0)
    benchmark(Checker(PUBLIC).mac1, message)


def test_mac2(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of one initiation with a cookie."""
    stamper, checker = Stamper(PUBLIC), Checker(PUBLIC)
    stamper.receive(checker.reply(stamper.stamp(bytes(148), 0), SOURCE, 0), 0)
    benchmark(checker.mac2, stamper.stamp(bytes(148), 0), SOURCE, 0)


def test_reply(benchmark: BenchmarkFixture) -> None:
    """Time a round is that of one cookie reply."""
    checker = Checker(PUBLIC)
    benchmark(checker.reply, Stamper(PUBLIC).stamp(bytes(148), 0), SOURCE, 0)
