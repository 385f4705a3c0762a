from __future__ import annotations

import tomllib

from tunnel.impairment import Impairment
from tunnel.lab import carrier
from tunnel.lab.carried import carried_links, options
from tunnel.lab.ends import Ends
from tunnel.lab.topology import Link, Node, Topology


def test_the_engine_s_graph_joins_the_taps_of_each_link() -> None:
    links = [
        Link(endpoints=["a:x", "b:x"], impair=Impairment(delay_ms=1.5, seed=7), impair_back=Impairment(rate_mbit=10)),
        Link(endpoints=["a:y", "b:y"]),
        Link(endpoints=["a:z", "b:z"], impair=Impairment()),
    ]
    topology = Topology(name="t", nodes={"a": Node(), "b": Node()}, links=links)
    carried = carried_links(topology, Ends(topology), str)
    taps = {("a", "x"): 5, ("b", "x"): 6, ("a", "z"): 7, ("b", "z"): 8}
    graph = tomllib.loads(carrier.graph(carried, taps))
    assert {name: device["fd"] for name, device in graph["devices"].items()} == {
        "link0a": 5,
        "link0b": 6,
        "link2a": 7,
        "link2b": 8,
    }
    assert graph["handlers"]["link0"]["delay_ms"] == 1.5
    assert graph["handlers"]["link0"]["seed"] == 7
    assert graph["handlers"]["link0"]["back"]["rate_mbit"] == 10
    assert set(graph["handlers"]) == {"link0", "link2"}
    assert "link2a -- link2.a" in graph["graph"]["links"]


def test_a_link_that_is_impaired_one_way_alone() -> None:
    given = options(Link(endpoints=["a:x", "b:x"], impair_back=Impairment(delay_ms=3)))
    assert (given["delay_ms"], given["back"]["delay_ms"]) == (0, 3)
    assert "seed" not in given
