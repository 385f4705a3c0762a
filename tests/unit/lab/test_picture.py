"""The picture of a lab: whole, well-formed, and nothing lies on anything else."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import pytest

from tunnel.impairment import Impairment
from tunnel.lab.picture import draw, svg
from tunnel.lab.picture_shapes import Box, Drawing, Path
from tunnel.lab.topology import Bridge, Card, Command, Link, Node, Tap, Topology, Tun, Vxlan

SVG = "{http://www.w3.org/2000/svg}"
SLOW = Impairment(delay_ms=20, loss_pct=1)


def hosts(bridge: str, count: int, impair: Impairment | None = None) -> tuple[dict[str, Node], list[Link]]:
    names = [f"{bridge}-h{number}" for number in range(count)]
    links = [
        Link(endpoints=[f"{name}:eth0", bridge], address=[f"10.0.0.{n + 1}/16", f"fd00::{n + 1:x}/64"], impair=impair)
        for n, name in enumerate(names)
    ]
    return {name: Node() for name in names}, links


def one_bridge(count: int) -> Topology:
    nodes, links = hosts("br0", count)
    return Topology(name="flat", bridges={"br0": Bridge(address=["10.0.255.254/16"])}, nodes=nodes, links=links)


def campus() -> Topology:
    """30 places: a core, 3 routers, 6 access bridges, 20 hosts."""
    nodes = {f"dist{number}": Node(sysctls={"net.ipv4.ip_forward": 1}) for number in range(3)}
    bridges = {"core": Bridge(stp=True), **{f"acc{number}": Bridge() for number in range(6)}}
    links = [Link(endpoints=[f"{name}:up", "core"], address=["10.255.0.1/24"]) for name in nodes]
    links += [Link(endpoints=[f"dist{n // 2}:lan{n % 2}", f"acc{n}"], address=["10.1.0.254/24"]) for n in range(6)]
    for number in range(6):
        more, cables = hosts(f"acc{number}", 4 if number < 2 else 3, SLOW if number == 2 else None)
        nodes |= more
        links += cables
    return Topology(name="campus", nodes=nodes, bridges=bridges, links=links)


def ring() -> Topology:
    links = [Link(endpoints=[f"r{n}:right", f"r{(n + 1) % 8}:left"], address=[f"10.0.{n}.1/30"]) for n in range(8)]
    return Topology(name="ring", nodes={f"r{n}": Node() for n in range(8)}, links=links)


def star() -> Topology:
    """A router with 29 cables."""
    links = [
        Link(endpoints=[f"hub:e{n}", f"s{n}:eth0"], address=[f"10.0.{n}.1/30"], peer_address=[f"10.0.{n}.2/30"],
             impair=SLOW if n == 3 else None)
        for n in range(29)
    ]  # fmt: skip
    return Topology(name="star", nodes={"hub": Node(), **{f"s{n}": Node() for n in range(29)}}, links=links)


def wild(seed: int) -> Topology:
    """Whatever may stand in a file: circles, parallel links, islands, links to oneself, both impairments."""
    source = random.Random(seed)
    bridges = {f"b{n}": Bridge(address=["10.0.0.1/24"] * source.randrange(2)) for n in range(source.randrange(6))}
    kinds = [
        Node(), Node(graph="a.toml", masquerade=["e1"]), Node(run=[Command(command=["/usr/bin/iperf3", "-s"])]),
        Node(interfaces={"t0": Tun(address=["10.9.0.1/24"]), "v0": Vxlan(vni=42, remote="10.0.0.9"), "t1": Tap()}),
        Node(interfaces={"c0": Card(card="enp1s0")}),
    ]  # fmt: skip
    nodes = {f"n{n}": source.choice(kinds) for n in range(source.randrange(1, 30))}
    links = []
    for number in range(source.randrange(2 * len(nodes))):
        ends = [source.choice([*nodes, *bridges]) for _ in range(2)]
        ends = [end if end in bridges else f"{end}:e{number}{side}" for side, end in enumerate(ends)]
        if ends[0] != ends[1]:
            impair, back = source.choice([None, None, Impairment(), SLOW]), source.choice([None, None, None, SLOW])
            addresses = ["10.100.200.254/24", "fd00:100:200::ffff/64"][: source.randrange(3)]
            mtu = source.choice([1500, 9000])
            links.append(Link(endpoints=ends, address=addresses, mtu=mtu, impair=impair, impair_back=back))
    return Topology(name=f"wild{seed}", nodes=nodes, bridges=bridges, links=links)


LABS = {
    "nothing": Topology(name="nothing"),
    "one": Topology(name="one", nodes={"a": Node()}),
    "islands": Topology(name="islands", nodes={f"n{n}": Node() for n in range(9)}, bridges={"br0": Bridge()}),
    "two": Topology(name="two", nodes={"a": Node(), "b": Node()}, links=[Link(endpoints=["a:e", "b:e"], impair=SLOW)]),
    "flat 2": one_bridge(2), "flat 8": one_bridge(8), "flat 100": one_bridge(100),
    "campus": campus(), "ring": ring(), "star": star(),
    **{f"wild {seed}": wild(seed) for seed in range(60)},
}  # fmt: skip


def overlap(one: Box, other: Box) -> bool:
    gap = 0.01
    beside = one.x + one.width <= other.x + gap or other.x + other.width <= one.x + gap
    return not beside and not (one.bottom <= other.y + gap or other.bottom <= one.y + gap)


def runs_through(path: Path, box: Box) -> bool:
    """Whether a piece of a line is inside a box, its border left out."""
    edge = 0.5
    for (x1, y1), (x2, y2) in pairwise(path.points):
        inside_x = max(min(x1, x2), box.x + edge) <= min(max(x1, x2), box.x + box.width - edge)
        inside_y = max(min(y1, y2), box.y + edge) <= min(max(y1, y2), box.bottom - edge)
        if inside_x and inside_y:
            return True
    return False


def texts(drawing: Drawing) -> list[str]:
    return [line.text for box in drawing.boxes for line in box.lines]


@pytest.mark.parametrize("name", LABS)
def test_nothing_lies_on_anything_else(name: str):
    drawing = draw(LABS[name])
    crowded = [(a.lines, b.lines) for a, b in combinations(drawing.boxes, 2) if overlap(a, b)]
    assert not crowded
    solid = [box for box in drawing.boxes if box.kind != "label"]  # a label stands on its line
    struck = [(path.points, box.lines) for path in drawing.paths for box in solid if runs_through(path, box)]
    assert not struck
    for box in drawing.boxes:
        assert box.x >= 0 and box.x + box.width <= drawing.width + 0.01
        assert box.y >= 0 and box.bottom <= drawing.height + 0.01


@pytest.mark.parametrize("name", LABS)
def test_a_label_stands_on_no_other_line(name: str):
    drawing = draw(LABS[name])
    for box in drawing.boxes:
        if box.kind == "label" and box.y < drawing.height - 100:
            through = {id(path.link) for path in drawing.paths if runs_through(path, box)}
            assert len(through) <= 1, box.lines


@pytest.mark.parametrize("name", LABS)
def test_every_place_and_link_is_there_once(name: str):
    topology = LABS[name]
    drawing = draw(topology)
    assert sorted(box.hint for box in drawing.boxes if box.hint) == sorted([*topology.nodes, *topology.bridges])
    drawn = [id(path.link) for path in drawing.paths if path.link is not None]
    assert sorted(drawn) == sorted(map(id, topology.links))


@pytest.mark.parametrize("name", LABS)
def test_it_is_xml_that_stands_alone(name: str):
    root = ET.fromstring(svg(LABS[name]))
    assert root.tag == f"{SVG}svg"
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "g", "title", "rect", "polyline", "text"}
    assert not [key for element in root.iter() for key in element.attrib if "href" in key or key.startswith("on")]


def test_text_is_as_wide_as_the_layout_thought():
    every = ET.fromstring(svg(campus())).iter(f"{SVG}text")
    text = next(element for element in every if element.text == "core (bridge, STP)")
    assert float(text.attrib["textLength"]) == pytest.approx(18 * 13 * 0.602, abs=0.1)


def test_thirty_places_fit_a_screen_and_a_hundred_a_poster():
    assert draw(campus()).width < 1400 and draw(campus()).height < 1000
    assert draw(star()).width < 1600 and draw(star()).height < 1200
    assert draw(one_bridge(100)).width < 1600 and draw(one_bridge(100)).height < 1600


def test_what_is_told_of_links_and_nodes():
    nodes = {
        "a": Node(graph="vpn.toml", masquerade=["eth1"]),
        "b": Node(interfaces={"tun0": Tun(address=["10.9.0.1/24"]), "vx": Vxlan(vni=7, remote="10.0.0.9")}),
        "c": Node(run=[Command(command=["/usr/bin/iperf3", "-s"])]),
    }
    links = [
        Link(endpoints=["a:eth0", "b:eth0"], address=["10.0.0.1/24"], peer_address=["10.0.0.2/24"], mtu=9000),
        Link(endpoints=["c:eth0", "a:eth1"], impair=SLOW, impair_back=Impairment(rate_mbit=10), up=False),
    ]
    found = texts(draw(Topology(name="t", nodes=nodes, links=links)))
    for text in (
        "engine vpn.toml", "masquerades eth1", "tun0 TUN", "10.9.0.1/24", "vx VXLAN 7 to 10.0.0.9", "runs iperf3",
        "eth0 MTU 9000", "10.0.0.1/24", "10.0.0.2/24", "eth1 down", "↑ 20 ms, 1 %", "↓ 10 Mbit/s",
    ):  # fmt: skip
        assert text in found


def test_an_impaired_link_is_drawn_differently():
    two = LABS["two"]
    assert svg(two).count("stroke-dasharray") == 1 and "20 ms, 1 %" in svg(two)
    assert "stroke-dasharray" not in svg(LABS["ring"])


def test_a_long_chain_is_no_matter():
    names = [f"n{number}" for number in range(1500)]
    links = [Link(endpoints=[f"{a}:r", f"{b}:l"]) for a, b in pairwise(names)]
    topology = Topology(name="chain", nodes={name: Node() for name in names}, links=links)
    assert sum(path.link is not None for path in draw(topology).paths) == 1499


def test_names_of_commands_cannot_become_markup():
    topology = Topology(name="t", nodes={"a": Node(run=[Command(command=["<script>&"])])})
    assert "<script>" not in svg(topology)
    assert ET.fromstring(svg(topology)).tag == f"{SVG}svg"
