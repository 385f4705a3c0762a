"""100 namespaces on one bridge, with addresses and routes of both families, built and taken down.

``bare`` is the namespaces alone. ``first`` is the slowest first answer when every pair of 20 nodes is asked at
once right after ``up``, in both families. ``down`` includes what the kernel does after the subject has returned.
"""

from __future__ import annotations

from bench.measure import Measure, Reading
from bench.networks import Network
from bench.scenario import Length, Scenario
from bench.subjects.labs import SETTINGS, Measured, subject

NETWORK = Network(nodes=100, ports=100)


def load(measured: Measured, _length: Length) -> Reading:
    """One network, up and down; lengths do not apply."""
    return measured()


SCENARIO = Scenario(
    title="100 namespaces on a bridge, built and taken down",
    measures=(
        Measure("up", "s", more=False, digits=3),
        Measure("down", "s", more=False, digits=3),
        Measure("bare", "s", more=False, digits=3),
        Measure("first", "ms", more=False, digits=1),
    ),
    subjects=tuple(subject(name, NETWORK, name) for name in SETTINGS),
    load=load,
)
