"""Bridges of a topology: loops, ports, and what cannot be one."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.unit.lab.topologies import mistakes, the_mistake
from tunnel.lab.topology import Bridge, Link, Topology
from tunnel.lab.topology_check import check
from tunnel.lab.topology_file import parse


def switches(stp: dict[str, bool], *cables: str) -> str:
    """Bridges with or without STP, and cables ``a b`` between them, one a line."""
    lines = ['name = "x"', "links = ["]
    lines += ['    {{ endpoints = ["{}", "{}"] }},'.format(*cable.split()) for cable in cables]
    lines += ["]", *(f"[bridges.{name}]\nstp = {str(on).lower()}" for name, on in stp.items())]
    return "\n".join(lines)


def test_a_loop_is_told_at_the_link_that_closes_it() -> None:
    text = switches(dict.fromkeys("abc", False), "a b", "b c", "a c")
    assert mistakes(text) == [
        "5: links[2].endpoints: closes a loop of bridges (a - b - c - a) without STP, in which frames would circle for"
        " ever: set stp = true on a, b, c, or leave this link out"
    ]


def test_a_second_link_is_a_loop() -> None:
    (found,) = mistakes(switches({"a": True, "b": False}, "a b", "b a"))
    assert found.startswith("4: links[1].endpoints: closes a loop of bridges (b - a - b) without STP")
    assert "set stp = true on b, or" in found


def test_each_loop_is_told() -> None:
    found = mistakes(switches(dict.fromkeys("abcdef", False), "a b", "b c", "c a", "d e", "e f", "f d", "a d"))
    assert [line.partition(" without")[0] for line in found] == [
        "5: links[2].endpoints: closes a loop of bridges (c - b - a - c)",
        "8: links[5].endpoints: closes a loop of bridges (f - e - d - f)",
    ] or len(found) == 2


@pytest.mark.parametrize(("stp", "cables"), [
    ({"a": True, "b": True, "c": True}, ["a b", "b c", "c a", "a b"]),
    ({"a": False, "b": False, "c": False, "d": False}, ["a b", "a c", "c d"]),
    ({"a": True, "b": True, "c": False}, ["a b", "b a", "b c"]),      # c hangs on the loop, but is not in it
])
def test_no_loop_without_stp(stp: dict[str, bool], cables: list[str]) -> None:
    assert parse(switches(stp, *cables)).topology.bridges.keys() == stp.keys()


def test_many_loops_cost_little() -> None:
    """A long ring with as many chords."""
    names = [f"b{number}" for number in range(1000)]
    cables = [*pairwise(names), (names[-1], names[0]), *zip(names, names[2:], strict=False)]
    topology = Topology(
        name="x", bridges=dict.fromkeys(names, Bridge()), links=[Link(endpoints=list(cable)) for cable in cables]
    )
    assert len(check(topology)) == 999


def test_a_bridge_takes_1023_ports() -> None:
    names = [f"n{number}" for number in range(1024)]
    text = 'name = "x"\n[bridges.br0]\n[nodes]\n' + "".join(f"{name} = {{}}\n" for name in names)
    text += "".join(f'[[links]]\nendpoints = ["{name}:e", "br0"]\n' for name in names[1:])
    assert len(parse(text).topology.links) == 1023
    text += '[[links]]\nendpoints = ["n0:e", "br0"]\n'
    assert mistakes(text) == [
        "2: bridges.br0: 1,024 ports, but a bridge of the kernel takes 1,023: use several bridges"
    ]


def test_a_tun_is_never_bridged() -> None:
    found = the_mistake("[bridges.br1]", '[bridges.br1.interfaces.t]\ntype = "tun"')
    assert found.startswith("15: bridges.br1.interfaces.t.type: a TUN is routed, never bridged: it carries IP packets")
