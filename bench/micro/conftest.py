"""What the micro benchmarks share. One file a native module that has a cost of its own,
named after it; devices that need an interface are timed by the scenarios.

Run ``pytest bench/micro --benchmark-only``. The figures compare one build with another on the same
machine; a batch is laid anew in another order before each round, for a branch predictor learns one
that stays.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from bench.frames import mixed

FRAMES = 256


@pytest.fixture
def frames() -> list[bytes]:
    """256 Ethernet frames of twelve kinds."""
    return mixed(FRAMES)


@pytest.fixture
def shuffled(frames: list[bytes]) -> Callable[[], list[bytes]]:
    """A function that gives the same frames in another order each time."""
    order = random.Random(1)

    def anew() -> list[bytes]:
        order.shuffle(frames)
        return list(frames)

    return anew
