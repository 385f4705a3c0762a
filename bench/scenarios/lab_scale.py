"""How the cost of a namespace grows with their number: 100 and 1,000 on bridges of 50 ports, 1,000 on one.

``node`` is the time up and down for each namespace, by the Python API, so that no start of a program is in it.
Each interface that comes up tells the groups that it joins, and a bridge sends that to every port: ``flooded``
are the packets that bridges had sent when the network was up, ``kernel`` is the time all processors spent in the
kernel until then. ``first`` is the slowest first answer of a sample of 20.
"""

from __future__ import annotations

from bench.measure import Measure
from bench.networks import Network
from bench.scenario import Scenario
from bench.scenarios.lab import load
from bench.subjects.labs import subject

NETWORKS = {
    "100 on 2 bridges": Network(nodes=100, ports=50),
    "1000 on 20 bridges": Network(nodes=1000, ports=50),
    "1000 on a bridge": Network(nodes=1000, ports=1000),
}

SCENARIO = Scenario(
    title="namespaces in hundreds and thousands",
    measures=(
        Measure("node", "ms", more=False),
        Measure("up", "s", more=False, digits=3),
        Measure("down", "s", more=False, digits=3),
        Measure("kernel", "s", more=False),
        Measure("flooded", "packets", more=False, digits=0),
        Measure("first", "ms", more=False, digits=1),
    ),
    subjects=tuple(subject("tunnel API", network, name) for name, network in NETWORKS.items()),
    load=load,
)
