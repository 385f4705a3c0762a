from __future__ import annotations

from typing import Any

from tunnel.impairment import Impairment
from tunnel.lab.plan import HOST, Step, steps
from tunnel.lab.topology import (
    Bridge,
    FdbEntry,
    Link,
    Neighbour,
    Node,
    Route,
    Rule,
    Tap,
    Topology,
    Tun,
    Vxlan,
)  # fmt: skip


def requests(found: list[Step], op: str) -> list[dict[str, Any]]:
    """The requests of one kind, without its name."""
    return [
        {key: value for key, value in step.request.items() if key != "op"} for step in found if step.request["op"] == op
    ]


def office(**changes: Any) -> Topology:
    """Two nodes on a bridge."""
    links = [
        Link(endpoints=[f"{node}:eth0", "br0"], address=[f"10.0.0.{number}/24"])
        for number, node in ((1, "a"), (2, "b"))
    ]
    given = {"nodes": {"a": Node(), "b": Node()}, "bridges": {"br0": Bridge()}, "links": links, **changes}
    return Topology(name="office", **given)


def test_namespaces_come_first_and_settling_last() -> None:
    found = [step.request["op"] for step in steps(office())]
    assert found[:3] == ["node"] * 3
    assert found[-1] == "settle_every"
    assert found.index("link") < found.index("veth") < found.index("address")


def test_a_link_is_made_from_the_bridge_s_side() -> None:
    first = requests(steps(office()), "veth")[0]
    assert (first["node"], first["interface"], first["peer"], first["far"]) == ("br0", "a-eth0", "a", "eth0")
    assert (first["master"], first["up"]) == ("br0", True)


def test_links_of_one_bridge_stand_together() -> None:
    links = [Link(endpoints=[f"n{number}:e", f"br{number % 2}"]) for number in range(6)]
    topology = office(
        nodes={f"n{n}": Node() for n in range(6)}, bridges={"br0": Bridge(), "br1": Bridge()}, links=links
    )
    assert [one["node"] for one in requests(steps(topology), "veth")] == ["br0"] * 3 + ["br1"] * 3


def test_everything_of_a_node_stands_together() -> None:
    node = Node(
        routes=[Route(to="default", via="fd00::9"), Route(to="default", interface="eth0")],
        rules=[Rule(table=7, source="10.0.0.0/8")],
        neighbours=[Neighbour(interface="eth0", address="10.0.0.9", mac="02:00:00:00:00:09")],
        sysctls={"net.ipv4.ip_forward": 1, "net.ipv4.conf.eth0.proxy_arp": 1},
    )
    found = steps(office(nodes={"a": node, "b": Node()}))
    of_a = [
        number for number, step in enumerate(found) if step.request.get("node") == "a" and step.request["op"] != "node"
    ]
    sysctl, *rest = of_a
    assert found[sysctl].request["path"] == "net/ipv4/ip_forward", "before there are interfaces"
    assert rest == list(range(rest[0], rest[0] + len(rest)))
    assert found[rest[-1]].request["path"] == "net/ipv4/conf/eth0/proxy_arp", "when there is the interface"
    assert [one["to"] for one in requests(found, "route")] == ["::/0", "0.0.0.0/0"]
    assert requests(found, "rule")[0]["source"] == "10.0.0.0/8"


def test_ipv6_off_is_two_sysctls() -> None:
    found = requests(steps(office(nodes={"a": Node(ipv6=False), "b": Node()})), "sysctl")
    assert {one["path"] for one in found} == {"net/ipv6/conf/all/disable_ipv6", "net/ipv6/conf/default/disable_ipv6"}


def test_an_impaired_link_is_two_taps_and_an_engine() -> None:
    topology = office()
    topology.links[1] = Link(
        endpoints=["b:eth0", "br0"], impair=Impairment(delay_ms=20), impair_back=Impairment(loss_pct=1)
    )
    found = steps(topology)
    assert [(one["node"], one["interface"]) for one in requests(found, "carried")] == [("br0", "b-eth0"), ("b", "eth0")]
    (carry,) = requests(found, "carry")
    (link,) = carry["links"]
    assert link["taps"] == [["b", "eth0"], ["br0", "b-eth0"]], "the way there begins at the first end"
    assert (link["handler"], link["options"]["delay_ms"], link["options"]["back"]["loss_pct"]) == ("link1", 20, 1)
    assert len(requests(found, "veth")) == 1


def test_a_bridge_is_set_up_after_its_ports_and_all_nodes() -> None:
    ups = [
        (one["node"], one["interface"]) for one in (step.request for step in steps(office()))
        if one["op"] == "set" and one["fields"].get("up")
    ]  # fmt: skip
    assert ups == [("a", "eth0"), ("b", "eth0"), ("br0", "br0")]
    assert "up" not in requests(steps(office()), "link")[0]


def test_a_bridge_of_the_host_is_in_no_namespace_of_its_own() -> None:
    found = steps(office(bridges={"br0": Bridge(host=True, fdb=[FdbEntry(mac="02:00:00:00:00:01", port="a:eth0")])}))
    assert [one["node"] for one in requests(found, "node")] == ["a", "b"]
    assert requests(found, "link")[0]["node"] == HOST
    assert requests(found, "fdb")[0]["interface"] == requests(found, "veth")[0]["interface"]


def test_interfaces_of_all_kinds() -> None:
    interfaces = {"tun0": Tun(address=["10.1.0.1/24"], mtu=1400), "vx": Vxlan(vni=7, remote="10.0.0.2", parent="eth0")}
    bridges = {"br0": Bridge(interfaces={"tap0": Tap(owner=5, mac="02:00:00:00:00:05")})}
    found = steps(office(nodes={"a": Node(interfaces=interfaces), "b": Node()}, bridges=bridges))
    assert [(one["node"], one["interface"], one["owner"]) for one in requests(found, "tap")] == [
        ("a", "tun0", None),
        ("br0", "tap0", 5),
    ]
    assert [(one["interface"], one["bridge"]) for one in requests(found, "enslave")] == [("tap0", "br0")]
    assert requests(found, "vxlan")[0]["parent"] == "eth0"
    kinds = [step.request["op"] for step in found]
    assert kinds.index("tap") < kinds.index("veth") < kinds.index("vxlan"), "a VXLAN stands on a link"


def test_a_step_says_where_it_comes_from() -> None:
    found = steps(office(), lambda place: f"f:{place}")
    address = next(step for step in found if step.request["op"] == "address")
    assert address.what == "f:('links', 0, 'address', 0)"
