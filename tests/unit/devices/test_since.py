"""The rise of a kernel counter over openings, wraps and readings that fail."""

from __future__ import annotations

from tunnel.devices.since import Since


def test_what_was_counted_before_is_not_its_own():
    since = Since(64)
    assert since.total(None) == 0, "never opened"
    since.start(1000)
    assert since.total(1000) == 0
    assert since.total(1007) == 7
    since.stop(1010)
    assert since.total(None) == 10


def test_openings_add_up():
    since = Since(32)
    for before, after in ((0, 5), (0, 3), (90, 91)):
        since.start(before)
        since.stop(after)
    since.stop(12345)
    assert since.total(12345) == 9


def test_it_wraps():
    since = Since(32)
    since.start(2**32 - 2)
    assert since.total(1) == 3
    assert since.total(0) == 2**32 + 2, "round once more"
    since.stop(4)
    assert since.total(None) == 2**32 + 6


def test_a_reading_that_fails_is_no_zero():
    since = Since(64)
    since.start(5)
    assert since.total(None) is None
    assert since.total(6) == 1, "it can be read again"
    since.stop(None)
    assert since.total(None) is None, "the last of it is not known"
    since.start(0)
    assert since.total(3) is None


def test_without_a_beginning_there_is_no_rise():
    since = Since(64)
    since.start(None)
    assert since.total(3) is None
