from __future__ import annotations

import pytest

from tunnel.lab.ends import Ends, hashed
from tunnel.lab.topology import Bridge, Link, Node, Topology


def topology(*endpoints: tuple[str, str], host: bool = False) -> Topology:
    """Nodes a, b and one of a long name, bridges br0 and br1, and these links."""
    return Topology(
        name="t",
        nodes={"a": Node(), "b": Node(), "long-node-name": Node()},
        bridges={"br0": Bridge(host=host), "br1": Bridge()},
        links=[Link(endpoints=list(pair), address=["10.0.0.1/24"], peer_mac="02:00:00:00:00:02") for pair in endpoints],
    )


def test_a_node_s_end_is_named_by_the_topology_and_a_port_by_its_far_end() -> None:
    near, far = Ends(topology(("a:eth0", "br0"))).of(0)
    assert (near.place, near.interface, near.far) == ("br0", "a-eth0", False)
    assert (far.place, far.interface, far.far) == ("a", "eth0", True)
    assert (far.addresses, far.key, near.mac) == (["10.0.0.1/24"], "address", "02:00:00:00:00:02")


def test_between_nodes_the_first_end_is_near() -> None:
    near, far = Ends(topology(("b:x", "a:y"))).of(0)
    assert (near.place, near.interface, far.place, far.interface) == ("b", "x", "a", "y")


def test_bridges_that_are_joined_twice_have_two_ports() -> None:
    ends = Ends(topology(("br0", "br1"), ("br0", "br1")))
    ports = [end.interface for end in ends.at("br0")]
    assert ports[0] == "br1"
    assert ports[1].startswith("br1")
    assert len(set(ports)) == 2


@pytest.mark.parametrize("host", [False, True])
def test_a_port_has_at_most_15_characters(host: bool) -> None:
    ends = Ends(topology(("long-node-name:ethernet0", "br0"), ("a:e", "br0"), host=host))
    ports = [end.interface for end in ends.at("br0")]
    assert len(ports[0]) == 15
    assert ports[1] == "a-e" if not host else (ports[1].startswith("tn") and len(ports[1]) == 15)
    assert ports == [
        end.interface
        for end in Ends(topology(("long-node-name:ethernet0", "br0"), ("a:e", "br0"), host=host)).at("br0")
    ]


def test_a_link_is_found_by_either_end() -> None:
    ends = Ends(topology(("a:eth0", "br0"), ("b:eth0", "br0")))
    assert [ends.find(text) for text in ("b:eth0", "br0:b-eth0", "a:eth0", "a:eth1", "a")] == [1, 1, 0, None, None]
    assert ends.port("br0", "b:eth0") == ends.port("br0", "b-eth0") == "b-eth0"
    assert len(ends.every()) == 4


def test_a_hash_keeps_its_beginning() -> None:
    assert hashed("tn", "one").startswith("tn")
    assert len({hashed("tn", text) for text in ("one", "two", "three")}) == 3
