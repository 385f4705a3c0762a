"""Tee: what enters by one end leaves by the other, and a clone of it by ``copy``."""

import pytest

from tunnel.handlers.tee import Tee
from tunnel.testing import drive

HEADER = bytes.fromhex("020000000001 020000000002 88b5")
FRAMES = [HEADER + bytes([n]) * (60 + n) for n in range(3)]


@pytest.mark.parametrize(("port", "other"), [("a", "b"), ("b", "a")])
def test_passes_and_copies(port, other):
    driven = drive(Tee(), {port: FRAMES})
    assert driven.out == {port: [], other: FRAMES, "copy": FRAMES}
    assert driven.handler.counts()["cloned"]["packets"] == len(FRAMES)


def test_nothing_enters_by_copy():
    driven = drive(Tee(), {"copy": FRAMES})
    assert not any(driven.out.values())
    assert driven.drops == {"UNCLAIMED": len(FRAMES)}


def test_a_whole_breath_is_copied():
    frames = [HEADER + n.to_bytes(2, "big") * 500 for n in range(200)]
    driven = drive(Tee(), {"a": frames})
    assert driven.out["b"] == driven.out["copy"] == frames
