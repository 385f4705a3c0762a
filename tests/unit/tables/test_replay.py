"""Replay: nothing twice, nothing older than the window, everything else once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel.tables.replay import Replay

BEHIND = 8128
LIMIT = 2**64 - 2**13 - 1


class Seen:
    """The same window as a set that forgets nothing."""

    def __init__(self) -> None:
        self.counters: set[int] = set()
        self.last = 0

    def accept(self, counter: int) -> bool:
        if counter >= LIMIT or counter in self.counters or self.last - counter > BEHIND:
            return False
        self.counters.add(counter)
        self.last = max(self.last, counter)
        return True


@pytest.mark.parametrize("steps", [
    "0 1 1x 9 8 7 7x",
    "0 0x",
    "1 0 0x 1x",
    "8129 8128 8127 8127x 2 2x 1 1x 0x",
    "8128 0 0x 1",
    "8145 3x 17 16x",
    "32516 24388 24388x 24387x",
    "63 64 64x 63x 127 128 0 128x 0x",
    "8191 8192 63x 64 8192x",
    f"{LIMIT - 1} {LIMIT - 1}x {LIMIT}x {LIMIT + 1}x {2**64 - 1}x {LIMIT - 1 - BEHIND} {LIMIT - 2 - BEHIND}x 0x",
    f"5 {2**63} 5x {2**63 - BEHIND} {2**63 - BEHIND - 1}x",
])  # fmt: skip
def test_sequences(steps: str):
    """A number is a counter, x behind it that it is refused."""
    window = Replay()
    got = [step.rstrip("x") + ("" if window.accept(int(step.rstrip("x"))) else "x") for step in steps.split()]
    assert got == steps.split()


@pytest.mark.parametrize("top", [BEHIND, 3 * BEHIND + 1, 8192, 2**32 + 63, LIMIT - 1])
def test_a_descending_run_over_the_window(top: int):
    window = Replay()
    run = range(top, top - BEHIND - 1, -1)
    assert all(window.accept(counter) for counter in run)
    assert not any(window.accept(counter) for counter in run)
    assert top == BEHIND or not window.accept(top - BEHIND - 1)


def test_an_ascending_run_over_the_ring_twice():
    window = Replay()
    assert all(window.accept(counter) for counter in range(20_000))
    assert not any(window.accept(counter) for counter in range(20_000))


@pytest.mark.parametrize("jump", [1, 63, 64, 65, 8127, 8128, 8129, 8191, 8192, 8193, 16_500])
@pytest.mark.parametrize("first", [0, 1, 63, 64, 8191, 8192])
def test_a_jump_forgets_nothing_that_lies_in_the_window(first: int, jump: int):
    window, seen = Replay(), Seen()
    for counter in [*range(max(0, first - 200), first + 1), first + jump, *range(first + jump, first - 200, -1)]:
        if counter >= 0:
            assert window.accept(counter) == seen.accept(counter), counter


@given(st.integers(0, 2**64 - 30_000), st.lists(st.one_of(
    st.integers(-9000, 9000), st.integers(-70, 70), st.sampled_from([-BEHIND - 1, -BEHIND, -BEHIND + 1, 8191, 8192]),
), max_size=100))  # fmt: skip
def test_as_a_set_that_forgets_nothing(start: int, steps: list[int]):
    """Each step from the highest so far."""
    window, seen, last = Replay(), Seen(), start
    for step in [0, *steps]:
        counter = min(max(0, last + step), 2**64 - 1)
        accepted = seen.accept(counter)
        assert window.accept(counter) == accepted
        last = max(last, counter) if accepted else last


def test_a_counter_has_64_bits():
    for counter in (-1, 2**64):
        with pytest.raises(OverflowError):
            Replay().accept(counter)
