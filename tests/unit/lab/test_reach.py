"""Which pairs are asked, and what is told of them."""

from __future__ import annotations

import pytest

from tunnel.lab.reach import Reach, pairs
from tunnel.lab.topology import Bridge, Link, Node, Topology


def on_bridges(*sizes: int) -> Topology:
    """Bridges with so many hosts each, and a node that has the bridges' first hosts for neighbours by cable."""
    nodes, links = {"hub": Node()}, []
    for number, size in enumerate(sizes):
        names = [f"h{number}-{host}" for host in range(size)]
        nodes |= {name: Node() for name in names}
        links += [Link(endpoints=[f"{name}:eth0", f"br{number}"]) for name in names]
        links.append(Link(endpoints=[f"hub:e{number}", f"{names[0]}:eth1"]))
    bridges = {f"br{number}": Bridge() for number in range(len(sizes))}
    return Topology(name="t", nodes=nodes, bridges=bridges, links=links)


def test_every_pair_of_fifty():
    heading, found = pairs(on_bridges(20, 29))
    assert heading == "every pair of 50 nodes"
    assert len(found) == len(set(found)) == 50 * 49


@pytest.mark.parametrize("nodes", [{}, {"a": Node()}])
def test_too_few_for_a_pair(nodes: dict[str, Node]):
    assert pairs(Topology(name="t", nodes=nodes))[1] == []


def test_above_that_neighbours_and_a_sample():
    topology = on_bridges(10, 100)
    heading, found = pairs(topology)
    assert heading == "111 nodes, each to its neighbours (on a bridge the next 16), and 500 random pairs (seed 1)"
    near, sample = found[:-500], found[-500:]
    assert {b for a, b in near if a == "h0-0"} == {*(f"h0-{n}" for n in range(1, 10)), "hub"}
    assert {b for a, b in near if a == "h1-90"} == {f"h1-{n % 100}" for n in range(91, 107)}
    assert {b for a, b in near if a == "hub"} == {"h0-0", "h1-0"}
    assert len(set(found)) == len(found) == 10 * 9 + 100 * 16 + 4 + 500
    assert all(a != b for a, b in sample)
    assert pairs(topology) == (heading, found)


def test_a_sample_is_no_more_than_there_is():
    heading, found = pairs(on_bridges(50, 1))
    assert len(found) == len(set(found)) and "500 random" in heading


def test_numbers_of_a_pair():
    some = Reach("a", "b", "fd00::1", 4, (0.001, 0.002, 0.009))
    assert (some.version, some.received, some.loss_pct, some.median_s) == (6, 3, 25.0, 0.002)
    assert some.as_json()["rtt_ms"] == {"min": 1.0, "median": 2.0, "max": 9.0}
    none = Reach("a", "b", "10.0.0.1", 4, (), "Network is unreachable")
    assert (none.version, none.loss_pct, none.median_s) == (4, 100.0, None)
    assert none.as_json() | {"from": 0} == {
        "from": 0, "to": "b", "address": "10.0.0.1", "sent": 4, "received": 0,
        "rtt_ms": {"min": None, "median": None, "max": None}, "error": "Network is unreachable",
    }  # fmt: skip
