"""Deadlines: a heap against a plain dict."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel.tables.deadlines import SLOT_MAX, Deadlines

SLOTS, TIMES = st.integers(0, 20), st.integers(1, 50)
STEPS = st.lists(st.one_of(
    st.tuples(st.just("by"), SLOTS, TIMES), st.tuples(st.just("drop"), SLOTS), st.tuples(st.just("take"), TIMES),
))


def taken(expected, now):
    """What a dict would give: every slot of the earliest time, if that has come."""
    first = min(expected.values(), default=now + 1)
    return {slot for slot, ns in expected.items() if ns == first and ns <= now} or {None}


@given(STEPS)
def test_as_a_dict(steps):
    table = Deadlines()
    expected: dict[int, int] = {}
    for verb, *args in steps:
        if verb == "by":
            table.by(*args)
            expected[args[0]] = min(args[1], expected.get(args[0], args[1]))
        elif verb == "drop":
            table.drop(*args)
            expected.pop(args[0], None)
        else:
            slot = table.take(*args)
            assert slot in taken(expected, *args)
            expected.pop(slot, None)
        assert (len(table), table.first_ns) == (len(expected), min(expected.values(), default=0))


def test_zero_is_no_time():
    with pytest.raises(ValueError, match="0 is no time"):
        Deadlines().by(1, 0)


@pytest.mark.parametrize("slot", [SLOT_MAX + 1, 2**32 - 1])
def test_slots_are_bounded(slot):
    table = Deadlines()
    with pytest.raises(ValueError, match=f"0 to {SLOT_MAX}"):
        table.by(slot, 1)
    assert len(table) == 0
