"""Impair: its statistics within four sigma, its times exact, nothing left held."""

import math

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from tunnel.errors import ConfigError
from tunnel.handlers.impair import Impair
from tunnel.packet import DATAGRAM
from tunnel.testing import Drive

MS = 1_000_000
FRAME = bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(dst="10.0.0.2") / UDP(sport=1) / bytes(58))


HEADER = bytes.fromhex("020000000001 020000000002 88b5")


def numbered(count, size=100):
    return [HEADER + number.to_bytes(4, "big") + bytes(size - 18) for number in range(count)]


def numbers(frames):
    return [int.from_bytes(frame[14:18], "big") for frame in frames]


def within(count, trials, chance, sigmas=4.0):
    """Whether a binomial count is as near to its mean as chance allows."""
    return abs(count - trials * chance) <= sigmas * math.sqrt(trials * chance * (1 - chance))


def passed(count=20_000, port="a", size=100, **options):
    """So many frames through an Impair, 200 at a time and as long as anything is held."""
    driven = Drive(Impair(**options))
    frames = numbered(count, size)
    for start in range(0, count, 200):
        driven.put(port, frames[start : start + 200])
    driven.advance(3600)
    assert driven.held == 0
    return driven


def timed(driven, milliseconds, port="b"):
    """How many are out after each of these times, from now on."""
    start, counts = driven.clock.now_ns, []
    for end in milliseconds:
        driven.advance((start + round(end * MS) - driven.clock.now_ns) / 1e9)
        counts.append(len(driven.out[port]))
    return counts


def test_does_nothing_unless_told():
    driven = passed(200)
    assert (driven.out["b"], driven.drops, driven.held) == (numbered(200), {}, 0)


@pytest.mark.parametrize("loss", [1, 10, 50])
def test_loss(loss):
    driven = passed(loss_pct=loss, seed=1)
    assert within(driven.drops["LOST"], 20_000, loss / 100)
    assert numbers(driven.out["b"]) == sorted(numbers(driven.out["b"]))
    assert len(driven.out["b"]) + driven.drops["LOST"] == 20_000


def test_all_is_lost():
    assert passed(1000, loss_pct=100).drops == {"LOST": 1000}


def test_losses_come_in_bursts():
    driven = passed(40_000, loss_pct=10, burst_pct=75, seed=3)
    arrived = set(numbers(driven.out["b"]))
    lost = [number for number in range(40_000) if number not in arrived]
    again = sum(number + 1 not in arrived for number in lost if number + 1 < 40_000)
    assert within(again, len(lost), 0.75)
    # bursts of four on average make a count's variance (1 + c) / (1 - c) as large, c = 0.75 - 0.25 / 9
    assert within(len(lost), 40_000, 0.1, 4 * math.sqrt((1 + 0.7222) / (1 - 0.7222)))


def test_without_bursts_losses_do_not_depend_on_each_other():
    arrived = set(numbers(passed(loss_pct=20, seed=3).out["b"]))
    lost = [number for number in range(20_000) if number not in arrived]
    assert within(sum(number + 1 not in arrived for number in lost), len(lost), 0.2)


def test_duplicates():
    driven = passed(duplicate_pct=10, seed=4)
    doubled = len(driven.out["b"]) - 20_000
    assert within(doubled, 20_000, 0.1)
    assert driven.handler.counts()["cloned"]["packets"] == doubled
    assert set(numbers(driven.out["b"])) == set(range(20_000))
    assert max(numbers(driven.out["b"]).count(number) for number in range(100)) == 2


def test_a_delayed_duplicate_follows_its_original():
    order = numbers(passed(500, duplicate_pct=50, delay_ms=1, seed=4).out["b"])
    assert order == sorted(order)
    assert 600 < len(order) < 900


def test_corruption_flips_one_bit_behind_the_frame_header():
    driven = Drive(Impair(corrupt_pct=10, seed=5))
    for _ in range(50):
        driven.put("a", [FRAME] * 200)
    flipped = [int.from_bytes(frame, "big") ^ int.from_bytes(FRAME, "big") for frame in driven.out["b"]]
    assert {change.bit_count() for change in flipped} == {0, 1}
    assert within(sum(map(bool, flipped)), 10_000, 0.1)
    places = {len(FRAME) - 1 - (change.bit_length() - 1) // 8 for change in flipped if change}
    assert places == set(range(14, len(FRAME)))


def test_a_duplicate_does_not_share_the_corruption():
    driven = Drive(Impair(duplicate_pct=100, corrupt_pct=50, seed=6))
    driven.put("a", [FRAME] * 200)
    pairs = list(zip(driven.out["b"][::2], driven.out["b"][1::2], strict=True))
    assert {(first == FRAME, second == FRAME) for first, second in pairs} == {
        (True, True), (True, False), (False, True), (False, False),
    }


def test_delay_is_exact():
    driven = Drive(Impair(delay_ms=20))
    driven.put("a", numbered(3))
    driven.advance(0.005)
    driven.put("a", numbered(2))
    assert driven.held == 5
    assert timed(driven, [14.999999, 15, 19.999999, 20]) == [0, 3, 3, 5]
    assert driven.held == 0


def test_jitter_stays_within_its_bounds_and_keeps_the_order():
    driven = Drive(Impair(delay_ms=20, jitter_ms=5, seed=7))
    arrivals = []
    for number in range(300):
        driven.put("a", numbered(number + 1)[-1:])
        arrivals.append(timed(driven, [14.999999, 17.5, 22.5, 25]))
    assert [after[0] - number for number, after in enumerate(arrivals)] == [0] * 300
    assert all(after[3] == number + 1 for number, after in enumerate(arrivals))
    assert within(sum(after[1] == number for number, after in enumerate(arrivals)), 300, 0.75)
    assert within(sum(after[2] == number for number, after in enumerate(arrivals)), 300, 0.25)
    assert numbers(passed(2000, delay_ms=5, jitter_ms=5).out["b"]) == list(range(2000))


def test_who_is_reordered_skips_the_delay():
    driven = Drive(Impair(delay_ms=20, reorder_pct=10, seed=8))
    for start in range(0, 20_000, 200):
        driven.put("a", numbered(20_000)[start : start + 200])
    ahead = numbers(driven.out["b"])
    assert within(len(ahead), 20_000, 0.1)
    driven.advance(1)
    behind = numbers(driven.out["b"])[len(ahead) :]
    assert behind == sorted(set(range(20_000)) - set(ahead))


def test_the_line_sends_at_its_rate():
    """100 bytes at 0.8 Mbit/s take 1 ms each, and so do pauses when nothing waits."""
    driven = Drive(Impair(rate_mbit=0.8))
    driven.put("a", numbered(4))
    assert timed(driven, [0.999999, 1, 2, 2.999999, 4]) == [0, 1, 2, 2, 4]
    driven.advance(1)
    driven.put("a", numbered(2))
    assert timed(driven, [0.999999, 1, 2]) == [4, 5, 6]


def test_delay_begins_behind_the_line():
    driven = Drive(Impair(rate_mbit=0.8, delay_ms=10))
    driven.put("a", numbered(2))
    assert timed(driven, [10.999999, 11, 11.999999, 12]) == [0, 1, 1, 2]


def test_the_queue_is_bounded():
    driven = Drive(Impair(rate_mbit=0.8, queue_kib=1))
    driven.put("a", numbered(100))
    assert driven.drops == {"QUEUE_FULL": 90}
    driven.advance(0.0035)
    driven.put("a", numbered(100))
    assert driven.drops == {"QUEUE_FULL": 187}
    driven.advance(1)
    assert (len(driven.out["b"]), driven.held) == (13, 0)


def test_a_packet_larger_than_the_queue_passes_an_idle_line():
    driven = Drive(Impair(rate_mbit=1, queue_kib=1))
    driven.put("a", numbered(2, 1500))
    driven.advance(1)
    assert (len(driven.out["b"]), driven.drops) == (1, {"QUEUE_FULL": 1})


def test_the_store_is_bounded():
    driven = Drive(Impair(delay_ms=1, hold_kib=128))
    driven.put("a", numbered(400))
    assert 250 < driven.held < 280
    assert driven.drops == {"HELD_FULL": 400 - driven.held}
    driven.advance(1)
    assert driven.held == 0
    assert numbers(driven.out["b"]) == list(range(len(driven.out["b"])))


def test_back_replaces_the_whole_set():
    driven = Drive(Impair(loss_pct=100, delay_ms=10, back={"delay_ms": 5}))
    driven.put("a", numbered(10))
    driven.put("b", numbered(10))
    assert (driven.drops, driven.held) == ({"LOST": 10}, 10)
    assert timed(driven, [4.999999, 5], port="a") == [0, 10]


def test_directions_are_apart():
    """Both ways the same options, but a line and a fate of its own."""
    driven = Drive(Impair(rate_mbit=0.8, loss_pct=50, seed=9))
    driven.put("a", numbered(10))
    driven.put("b", numbered(10))
    driven.advance(1)
    assert set(numbers(driven.out["a"])) != set(numbers(driven.out["b"]))
    assert all(driven.out.values())


def test_a_seed_gives_the_same_fate_again():
    options = {"loss_pct": 20, "duplicate_pct": 20, "corrupt_pct": 20, "delay_ms": 5, "jitter_ms": 5, "reorder_pct": 20}
    first, again, other = (passed(400, seed=seed, **options).out for seed in (1, 1, 2))
    assert first == again != other


def test_large_and_small_are_held_alike():
    driven = Drive(Impair(delay_ms=1))
    frames = [HEADER + bytes([n]) * (size - 14) for n, size in enumerate((14, 256, 257, 2048, 2049, 9000))]
    driven.put("a", frames)
    driven.advance(1)
    assert driven.out["b"] == frames


def test_a_delayed_datagram_keeps_its_endpoint():
    driven = Drive(Impair(delay_ms=1), medium=DATAGRAM)
    driven.put("a", [(b"one", ("192.0.2.1", 9000)), (b"", ("2001:db8::1", 53))])
    driven.advance(1)
    assert driven.out["b"] == [b"one", b""]
    assert driven.endpoints["b"] == [("192.0.2.1", 9000), ("2001:db8::1", 53)]


@pytest.mark.parametrize(("options", "text"), [
    ({"loss_pct": 101}, "loss_pct"),
    ({"delay_ms": -1}, "delay_ms"),
    ({"jitter_ms": 5, "delay_ms": 4}, "jitter_ms: at most delay_ms = 4"),
    ({"reorder_pct": 5}, "reorder_pct: needs delay_ms"),
    ({"loss_pct": 10, "burst_pct": 5}, "burst_pct: at least loss_pct = 10"),
    ({"back": {"jitter_ms": 5}}, r"back\.jitter_ms"),
    ({"back": {"seed": -5}}, "seed"),
    ({"queue_kib": 0}, "queue_kib"),
])
def test_wrong_options_are_named(options, text):
    with pytest.raises(ConfigError, match=text):
        Impair(**options)
