"""The benchmark's handlers in Python do what they are measured for."""

from __future__ import annotations

from bench.frames import mixed
from bench.subjects.reader import Reader
from bench.subjects.verdict import Verdict
from tunnel.testing import drive

PLAIN = mixed(12)
UDP4, PING4, TCP4 = PLAIN[1], PLAIN[9], PLAIN[0]


def test_verdict_sends_back_udp_and_answers_pings_only():
    driven = drive(Verdict(), {"net": [UDP4, PING4, TCP4]})
    udp, ping = driven.out["net"]
    assert (udp[26:30], udp[30:34]) == (UDP4[30:34], UDP4[26:30])
    assert (udp[34:36], udp[36:38]) == (UDP4[36:38], UDP4[34:36])
    assert udp[38:] == UDP4[38:]
    assert (ping[34], ping[26:30]) == (0, PING4[30:34])
    assert driven.drops == {"UNCLAIMED": 1}


def test_reader_lets_everything_pass():
    assert drive(Reader(), {"net": PLAIN}).out["net"] == PLAIN
