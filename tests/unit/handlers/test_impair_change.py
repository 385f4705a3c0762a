"""Impair.change: what is under way is not touched, what comes after it is treated anew."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.handlers.test_impair import numbered, numbers, timed
from tunnel.errors import ConfigError
from tunnel.handlers.impair import Impair
from tunnel.handlers.options import ImpairOptions
from tunnel.impairment import Impairment
from tunnel.testing import Drive


def driven(**options: Any) -> Drive:
    return Drive(Impair(**options))


def impair(drive: Drive) -> Impair:
    assert isinstance(drive.handler, Impair)
    return drive.handler


def change(drive: Drive, **options: Any) -> None:
    impair(drive).change(**options)


def sent(drive: Drive, first: int, end: int, size: int = 100) -> None:
    drive.put("a", numbered(end, size)[first:])


def test_a_longer_delay_is_for_those_to_come():
    drive = driven(delay_ms=10)
    sent(drive, 0, 3)
    change(drive, delay_ms=20)
    sent(drive, 3, 5)
    assert timed(drive, [9.999999, 10, 19.999999, 20]) == [0, 3, 3, 5]


def test_a_shorter_delay_does_not_let_them_overtake():
    drive = driven(delay_ms=20)
    sent(drive, 0, 3)
    change(drive, delay_ms=5)
    sent(drive, 3, 5)
    assert timed(drive, [19.999999, 20]) == [0, 5]
    sent(drive, 5, 6)
    assert timed(drive, [4.999999, 5]) == [5, 6]
    assert numbers(drive.out["b"]) == list(range(6))


def test_without_any_delay_they_wait_for_those_before_them():
    drive = driven(delay_ms=20)
    sent(drive, 0, 2)
    change(drive)
    sent(drive, 2, 4)
    drive.clock.advance(0.02)  # those are due, and a packet comes before the engine has let them go
    sent(drive, 4, 5)
    drive.advance(0)
    assert numbers(drive.out["b"]) == list(range(5))
    sent(drive, 5, 6)
    assert (len(drive.out["b"]), drive.held) == (6, 0)


def test_who_jitters_down_to_nothing_does_not_overtake_those_that_are_due():
    """Before the engine has let them go; as with a change, without one."""
    drive = driven(delay_ms=1, jitter_ms=1, seed=3)
    for number in range(2000):
        drive.clock.advance(0.001)
        sent(drive, number, number + 1)
    drive.advance(1)
    assert numbers(drive.out["b"]) == list(range(2000))


def test_many_changes_lose_double_and_reorder_nothing():
    drive = driven(delay_ms=7)
    for number, wire in enumerate([
        {"delay_ms": 3}, {"rate_mbit": 0.8}, {}, {"delay_ms": 9, "jitter_ms": 9}, {"rate_mbit": 8, "delay_ms": 1},
        {"rate_mbit": 0.1, "queue_kib": 1000}, {"delay_ms": 0.5}, {"rate_mbit": 100}, {"delay_ms": 2, "jitter_ms": 1},
    ] * 10):  # fmt: skip
        sent(drive, 10 * number, 10 * number + 10)
        drive.advance(0.001)
        change(drive, **wire)
    drive.advance(3600)
    assert numbers(drive.out["b"]) == list(range(900))
    assert (drive.drops, drive.held) == ({}, 0)


def test_the_line_stays_occupied():
    """100 bytes at 0.8 Mbit/s take 1 ms each, at 8 Mbit/s 0.1 ms."""
    drive = driven(rate_mbit=0.8)
    sent(drive, 0, 3)
    change(drive, rate_mbit=8)
    sent(drive, 3, 5)
    assert timed(drive, [0.999999, 1, 3, 3.099999, 3.1, 3.2]) == [0, 1, 3, 3, 4, 5]


def test_a_queue_is_counted_in_bytes_whatever_the_rate_was():
    drive = driven(rate_mbit=0.8, queue_kib=4)
    sent(drive, 0, 30)
    change(drive, rate_mbit=80, queue_kib=4)
    sent(drive, 30, 40)
    assert drive.drops == {}, "30 packets are 3,000 bytes, however long they take"
    drive.advance(0.015)
    change(drive, rate_mbit=8, queue_kib=4)  # 15 of the first ones, the ten of 80 Mbit/s
    sent(drive, 40, 60)
    assert drive.drops == {"QUEUE_FULL": 5}
    drive.advance(1)
    assert numbers(drive.out["b"]) == list(range(55))


def test_a_line_without_a_limit_is_behind_the_one_it_had():
    drive = driven(rate_mbit=0.8)
    sent(drive, 0, 3)
    change(drive)
    sent(drive, 3, 5)
    assert timed(drive, [1, 2.999999, 3]) == [1, 2, 5]


def test_loss_begins_and_ends():
    drive = driven()
    for first, options in ((0, {"loss_pct": 100}), (100, {}), (200, {})):
        sent(drive, first, first + 100)
        change(drive, **options)
    assert numbers(drive.out["b"]) == [*range(100), *range(200, 300)]


def fates(drive: Drive, count: int = 64, port: str = "a") -> list[int]:
    """Which of so many packets arrive."""
    other = "b" if port == "a" else "a"
    before = len(drive.out[other])
    drive.put(port, numbered(count))
    return numbers(drive.out[other][before:])


def test_the_random_sequence_goes_on():
    whole, changed = driven(loss_pct=50, seed=3), driven(loss_pct=50, seed=3)
    assert fates(whole) == fates(changed)
    change(changed, loss_pct=50)
    assert fates(whole) == fates(changed)
    assert fates(whole, port="b") == fates(changed, port="b")


@pytest.mark.parametrize(("options", "anew"), [
    ({"seed": 3}, "ab"), ({"back": {"loss_pct": 50}, "seed": 3}, "ab"), ({"back": {"loss_pct": 50}}, ""),
])
def test_a_seed_starts_it_anew(options: dict[str, Any], anew: str):
    fresh, drive = driven(loss_pct=50, seed=3), driven(loss_pct=50, seed=3)
    first = {port: fates(fresh, port=port) for port in "ab"}
    assert first == {port: fates(drive, port=port) for port in "ab"}
    change(drive, loss_pct=50, **options)
    assert "".join(port for port in "ab" if fates(drive, port=port) == first[port]) == anew


def test_the_way_back_may_have_a_seed_of_its_own():
    one, other = driven(loss_pct=50, seed=3), driven(loss_pct=50, seed=3, back={"loss_pct": 50, "seed": 5})
    assert fates(one) == fates(other)
    assert (back := fates(other, port="b")) != fates(one, port="b")
    change(one, loss_pct=50, back={"loss_pct": 50, "seed": 5})
    assert fates(one, port="b") == back
    assert fates(one) == fates(other), "the first goes on"


def test_a_seed_ends_a_burst():
    drive, fresh = driven(loss_pct=100), driven(loss_pct=1, burst_pct=99.9, seed=1)
    assert fates(drive) == []
    change(drive, loss_pct=1, burst_pct=99.9, seed=1)
    assert fates(drive) == fates(fresh) == list(range(64))


def test_the_options_in_force_are_told():
    drive = driven(delay_ms=5, hold_kib=128, seed=4)
    assert impair(drive).options == ImpairOptions(delay_ms=5, hold_kib=128, seed=4)
    change(drive, loss_pct=1, back={"delay_ms": 1})
    assert impair(drive).options == ImpairOptions(loss_pct=1, back=Impairment(delay_ms=1), hold_kib=128)
    change(drive, hold_kib=128)
    assert impair(drive).options == ImpairOptions(hold_kib=128)


@pytest.mark.parametrize(("options", "text"), [
    ({"loss_pct": 101}, "loss_pct"),
    ({"colour": 1}, "colour"),
    ({"hold_kib": 256}, "^impair: hold_kib: 128 cannot be changed any more; leave it out$"),
    ({"back": {"jitter_ms": 1}}, r"^impair: back\.jitter_ms: at most delay_ms = 0 was expected$"),
])
def test_a_mistake_changes_nothing(options: dict[str, Any], text: str):
    drive = driven(loss_pct=50, delay_ms=1, seed=3, hold_kib=128)
    same = driven(loss_pct=50, delay_ms=1, seed=3, hold_kib=128)
    before = impair(drive).options
    with pytest.raises(ConfigError, match=text):
        change(drive, **{"seed": 9, **options})
    assert impair(drive).options is before
    assert fates(drive) == fates(same)
    assert timed(drive, [1]) == timed(same, [1])
    assert drive.out == same.out


def test_all_mistakes_are_told_at_once():
    with pytest.raises(ConfigError) as caught:
        change(driven(), jitter_ms=1, reorder_pct=1, loss_pct=2, burst_pct=1, back={"jitter_ms": 1}, hold_kib=128)
    assert [problem.text.split(":")[1].strip() for problem in caught.value.problems] == [
        "jitter_ms", "reorder_pct", "burst_pct", "back.jitter_ms", "hold_kib",
    ]  # fmt: skip
