"""A native handler that works 1 us on each packet, on Memory devices, in one worker and in two.

``total`` of two workers by that of one tells how they scale; ``fastest`` of two by that of the one
beside a worker which is busy in Python tells how little that one slows the other. Two idle cores are
needed for either.
"""

from __future__ import annotations

from bench.measure import CPU_S_PER_MP, Reading, kpps
from bench.scenario import Length, Scenario
from bench.subjects.rings import HOG, ONE, TWO, Ring


def load(ring: Ring, length: Length) -> Reading:
    """Packets worked on a second: of all workers, and of the fastest; CPU where all of it goes to packets."""
    told = ring(length.seconds)
    packets: list[int] = told["packets"]
    reading = {"total": sum(packets) / length.seconds / 1e3, "fastest": max(packets) / length.seconds / 1e3}
    if min(packets) * 10 > max(packets):
        reading["cpu"] = told["cpu_s"] / (sum(packets) / 1e6)
    return reading


SCENARIO = Scenario(
    title="1 us of work a packet, on several cores",
    measures=(kpps("total"), kpps("fastest"), CPU_S_PER_MP),
    subjects=(TWO, ONE, HOG),
    load=load,
)
