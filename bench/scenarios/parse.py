"""Parsing a mix of 256 frames in an order that changes every time, down to the 5-tuple."""

from __future__ import annotations

import random
from statistics import median
from time import monotonic

from bench.frames import mixed
from bench.measure import Measure, Reading
from bench.scenario import Length, Scenario
from bench.subjects.parsers import DPKT, LAP, PYPACKER, SCAPY, TUNNEL_NATIVE, TUNNEL_PYTHON, Clocked

LAPS = 4
SEED = 2026


def load(clocked: Clocked, length: Length) -> Reading:
    """The median time a frame over shufflings of four times 256 frames."""
    order = random.Random(SEED)
    frames = mixed(LAP) * LAPS
    times_ns: list[float] = []
    end = monotonic() + length.seconds
    while not times_ns or monotonic() < end:
        order.shuffle(frames)
        times_ns.append(clocked(frames) / len(frames))
    return {"parse": median(times_ns)}


SCENARIO = Scenario(
    title="the 5-tuple of a frame",
    measures=(Measure("parse", "ns/frame", more=False, digits=1),),
    subjects=(TUNNEL_PYTHON, TUNNEL_NATIVE, DPKT, PYPACKER, SCAPY),
    load=load,
)
