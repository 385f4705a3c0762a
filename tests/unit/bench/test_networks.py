"""The networks of the lab scenarios: the topology file and the commands of ip(8) describe the same."""

from __future__ import annotations

import pytest

from bench.networks import LAB, SAMPLE, Network
from bench.scenario import Length
from bench.scenarios import lab
from tunnel.lab import plan, topology_file

SMALL = Network(nodes=5, ports=2)


def commands(network: Network) -> list[str]:
    """All of them, with the namespace in front of those that are said inside one."""
    found = []
    for bridge, (name, numbers) in enumerate(network.bridges()):
        inside = network.bridge_commands(bridge, name) + network.port_commands(name, numbers)
        found += [f"{LAB}-{name} {command}" for command in inside]
        for place, number in enumerate(numbers, 1):
            found += [f"{LAB}-n{number} {command}" for command in network.node_commands(bridge, place)]
    return found


def test_bridges_have_no_more_ports_than_told():
    assert [numbers for _, numbers in SMALL.bridges()] == [[0, 1], [2, 3], [4]]
    assert SMALL.names() == ["br0", "br1", "br2", "n0", "n1", "n2", "n3", "n4"]


@pytest.mark.parametrize("network", [SMALL, Network(nodes=300, ports=300)])
def test_file_and_commands_have_the_same_addresses_and_routes(network):
    topology = topology_file.parse(network.file()).topology
    said = commands(network)
    assert [*topology.bridges, *topology.nodes] == network.names()
    for link in topology.links:
        name, interface = link.endpoints[0].split(":")
        added = [f"{LAB}-{name} address add {one} dev {interface}" for one in link.address]
        assert added[0] in said
        assert f"{added[1]} nodad" in said
        for route in topology.nodes[name].routes:
            assert f"{LAB}-{name} route add default via {route.via}" in said
        pair = f"type veth peer name {interface} netns {LAB}-{name}"
        assert sum(command.endswith(pair) and f"master {link.endpoints[1]} " in command for command in said) == 1


def test_namespaces_alone_have_no_links():
    bare = Network(nodes=3, ports=3, linked=False)
    topology = topology_file.parse(bare.file()).topology
    assert (list(topology.nodes), topology.links) == (["n0", "n1", "n2"], [])
    assert set(commands(bare)) == {f"{LAB}-{name} link set lo up" for name in bare.names()}


def test_the_sample_is_spread_over_the_last_bridge():
    sample = Network(nodes=100, ports=100).sample()
    assert len(sample) == SAMPLE
    assert list(sample)[:2] == ["n0", "n5"]
    assert sample["n5"] == {4: "10.0.0.6", 6: "fd00:0:0:0::6"}
    assert len(Network(nodes=100, ports=50).sample()) == SAMPLE
    assert SMALL.sample() == {"n4": {4: "10.2.0.1", 6: "fd00:0:0:2::1"}}


def test_a_plan_of_it_can_be_made():
    topology = topology_file.parse(SMALL.file()).topology
    made = [step.request for step in plan.steps(topology)]
    assert sum(request["op"] == "veth" for request in made) == SMALL.nodes


def test_lengths_do_not_apply():
    assert lab.load(lambda: {"up": 0.5}, Length(3.0, 10)) == {"up": 0.5}
