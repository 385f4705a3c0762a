"""Bridges with the spanning tree forward nothing until they have agreed, which takes seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from tunnel.errors import LabError
from tunnel.lab.lab import Lab, Progress
from tunnel.lab.plan import HOST
from tunnel.lab.topology import Topology

LOOK_S = 0.05
FORWARD_DELAY_S = 15.0  # the kernel's, unless told (802.1D-1998, table 8-3)
SLACK_S = 10.0


def await_decision(lab: Lab, topology: Topology, told: Callable[[str], Progress]) -> None:
    """Waits until every port forwards or is blocked: twice the forward delay, listening and learning."""
    bridges = {name: bridge for name, bridge in topology.bridges.items() if bridge.stp}
    if not bridges:
        return
    expected_s = 2 * max(bridge.forward_delay_s or FORWARD_DELAY_S for bridge in bridges.values())
    progress, start = told("spanning tree"), time.monotonic()
    places = {HOST if bridge.host else name for name, bridge in bridges.items()}
    while waiting := [port for place in places for port in lab.call("spanning tree", "undecided", node=place)]:
        took_s = time.monotonic() - start
        if took_s > expected_s + SLACK_S:
            raise LabError(f"the spanning tree has not decided about {', '.join(waiting)} after {took_s:.0f} s")
        progress(min(0.99, took_s / expected_s))
        time.sleep(LOOK_S)
    progress(1.0)
