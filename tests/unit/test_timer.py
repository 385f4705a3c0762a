"""The timerfd: readable at its deadline, and only then."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

import pytest

from tunnel.errors import DeviceError
from tunnel.timer import Timer

FAR_NS = 1 << 62


@pytest.fixture
def timer() -> Iterator[Timer]:
    made = Timer()
    yield made
    made.close()


def fires(timer: Timer, within_s: float = 0) -> bool:
    return bool(select.select([timer.fd], [], [], within_s)[0])


def test_unarmed_it_is_silent(timer: Timer):
    assert not fires(timer)
    assert timer.deadline_ns == 0


def test_a_deadline_that_is_over_fires_at_once(timer: Timer):
    timer.arm(1)
    assert fires(timer, 1)


def test_a_deadline_ahead_does_not(timer: Timer):
    timer.arm(FAR_NS)
    assert not fires(timer)
    assert timer.deadline_ns == FAR_NS


def test_clear_makes_it_silent_and_ready_for_the_same_again(timer: Timer):
    timer.arm(1)
    assert fires(timer, 1)
    timer.clear()
    assert not fires(timer)
    timer.arm(1)
    assert fires(timer, 1)


def test_0_disarms(timer: Timer):
    timer.arm(1)
    timer.arm(0)
    assert not fires(timer)


def test_clear_before_it_fires_is_harmless(timer: Timer):
    timer.arm(FAR_NS)
    timer.clear()
    assert timer.deadline_ns == 0


def test_closed_once_and_again():
    timer = Timer()
    fd = timer.fd
    timer.close()
    timer.close()
    assert timer.fd == -1
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(fd)


def test_it_is_not_inherited(timer: Timer):
    assert not os.get_inheritable(timer.fd)


def test_without_descriptors_the_error_says_what_to_do():
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(DeviceError, match="Too many open files; see `ulimit -n`"):
            Timer()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
