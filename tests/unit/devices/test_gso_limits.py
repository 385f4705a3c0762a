"""How large super-packets may be so that they fit one send."""

from __future__ import annotations

import pytest

from tunnel.devices.gso_limits import KEPT, gso_limits

SEND = 65507


def most(limit: int, mss: int) -> int:
    """Segments of the largest super-packet that TCP makes under a limit (tcp_tso_autosize)."""
    return max((limit - KEPT) // mss, 1)


@pytest.mark.parametrize("overhead", [0, 32, 60, 14, 46])
@pytest.mark.parametrize("mtu", [1280, 1380, 1420, 1500, 4000, 9000, 16000, 21000])
@pytest.mark.parametrize("options", [0, 12])
def test_as_many_segments_as_fit_and_no_more(mtu: int, overhead: int, options: int):
    fits = SEND // (mtu + overhead)
    limits = gso_limits(mtu, overhead, SEND)
    assert limits is not None
    six, four = limits
    assert most(six, mtu - 60 - options) == most(four, mtu - 40 - options) == min(fits, 64)


def test_the_example():
    assert gso_limits(1420, 32, SEND) == (45 * 1360 + 321, 45 * 1380 + 321)
    assert gso_limits(1420, 0, SEND) == (46 * 1360 + 321, 46 * 1380 + 321)


@pytest.mark.parametrize("mtu", [68, 100, 576])
def test_a_send_has_at_most_64_segments(mtu: int):
    assert gso_limits(mtu, 0, SEND) == (64 * (mtu - 60) + 321, 64 * (mtu - 40) + 321)


@pytest.mark.parametrize("mtu", [34736, 65000, 65475])
def test_one_packet_always_fits(mtu: int):
    limits = gso_limits(mtu, 32, SEND)
    assert limits is not None
    six, four = limits
    assert most(four, mtu - 52) == most(six, mtu - 72) == 1
    assert mtu - 60 <= six <= four <= 65536


def test_the_kernels_own_limit_stays_below_its_largest():
    assert gso_limits(32753, 0, SEND) == (2 * 32693 + 321 if 2 * 32693 + 321 < 65536 else 65536, 65536)


def test_where_not_one_packet_fits_nothing_is_said():
    assert gso_limits(65500, 32, SEND) is None
