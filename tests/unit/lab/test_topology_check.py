"""Mistakes across the tables of a topology: names, ends of links, settings, programs, rights."""

from __future__ import annotations

import pytest

from tests.unit.lab.topologies import SOUND, changed, mistakes, the_mistake
from tunnel.lab.topology import Link, Node, Topology
from tunnel.lab.topology_check import check
from tunnel.lab.topology_facts import Facts
from tunnel.lab.topology_file import parse


def test_the_sound_file_is_sound() -> None:
    assert len(parse(SOUND).topology.links) == 3


def test_a_topology_without_a_file_is_checked_too() -> None:
    topology = Topology(name="x", nodes={"a": Node()}, links=[Link(endpoints=["a:e", "b:e"])])
    assert check(topology) == [(("links", 0, "endpoints", 1), 'no node is named "b"')]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "-a", "a/b", "a b", "a:b", "a%b", "a\\u0007", "\\u00e4", "sixteen-letters-"]
)
@pytest.mark.parametrize(("old", "new", "line", "place"), [
    ('name = "office"', 'name = "{}"', 1, "name: "),
    ("[nodes.a]\n", '[nodes."{}"]\n[nodes.a]\n', 2, 'nodes."{}": '),
    ("[bridges.br1]", '[bridges."{}"]\n[bridges.br1]', 14, 'bridges."{}": '),
    ("[bridges.br1]", '[nodes.a.interfaces."{}"]\ntype = "tap"\n[bridges.br1]', 14, 'nodes.a.interfaces."{}": '),
])
def test_a_name_that_is_none(name: str, old: str, new: str, line: int, place: str) -> None:
    found = the_mistake(old, new.format(name))
    assert found.startswith(f"{line}: " + place.partition('"')[0])
    assert "a name is 1 to 15" in found


@pytest.mark.parametrize("name", ["lo", "all", "default"])
def test_a_name_that_the_kernel_keeps(name: str) -> None:
    found = the_mistake("[bridges.br1]", f'[nodes.a.interfaces.{name}]\ntype = "tap"\n[bridges.br1]')
    assert found.startswith(f"14: nodes.a.interfaces.{name}: ")


@pytest.mark.parametrize(("old", "new", "expected"), [
    ("[bridges.br1]", "[bridges.br1]\n[bridges.a]", "15: bridges.a: a node has this name too"),
    ("[bridges.br1]", "[bridges.br1.interfaces.br1]\ntype = \"tap\"", "14: bridges.br1.interfaces.br1: the bridge its"),
    ('["b:eth0", "br0"]', '["a:eth0", "br0"]', '19: links[1].endpoints[0]: "a:eth0" is an end of links[0] already'),
    ('["br0", "br1"]', '["a:tun0", "br1"]', "23: links[2].endpoints[0]: a has an interface tun0 of type tun already"),
    ('["br0", "br1"]', '["b:x", "b:x"]', '23: links[2].endpoints[1]: "b:x" is an end of links[2] already'),
    ('["br0", "br1"]', '["br1", "br1"]', "23: links[2].endpoints: both ends are the bridge br1"),
    ('["br0", "br1"]', '["br0", "br2"]', '23: links[2].endpoints[1]: no bridge is named "br2" (did you mean "br'),
    ('["br0", "br1"]', '["br0", "office:x"]', '23: links[2].endpoints[1]: no node is named "office"'),
    ('["br0", "br1"]', '["br0", "br1:x"]', '23: links[2].endpoints[1]: br1 is a bridge, which names its ports itself:'),
    ('["br0", "br1"]', '["br0", "a"]', '23: links[2].endpoints[1]: a is a node: expected "a:INTERFACE"'),
    ('["br0", "br1"]', '["br0", ""]', '23: links[2].endpoints[1]: found the string "", expected NODE:INTERFACE or BRI'),
    ('["br0", "br1"]', '["br0", "a:"]', '23: links[2].endpoints[1]: found the string "a:", expected NODE:INTERFACE or'),
    ('["br0", "br1"]', '["br0", "a:b:c"]', '23: links[2].endpoints[1]: found the string "a:b:c", expected NODE:INTERF'),
    ('["br0", "br1"]', '["br0", "a:b c"]', "23: links[2].endpoints[1]: interface 'b c': a name is 1 to 15"),
    ('masquerade = ["eth0"]', 'masquerade = ["eth1"]',
     '5: nodes.a.masquerade[0]: a has no interface "eth1" (did you mean "eth0"?), it has eth0, tun0'),
    ("conf.eth0.forw", "conf.eth1.forw", '4: nodes.a.sysctls."net.ipv4.conf.eth1.forwarding": a has no interface "eth'),
    ("net.ipv4.conf.eth0.forwarding", "kernel.hostname", '4: nodes.a.sysctls."kernel.hostname": '),
    ("net.ipv4.conf.eth0.forwarding", "net/ipv4/ip_forward", '4: nodes.a.sysctls."net/ipv4/ip_forward": '),
    ("net.ipv4.conf.eth0.forwarding", "net.ipv4..ip_forward", '4: nodes.a.sysctls."net.ipv4..ip_forward": '),
    ("net.ipv4.conf.eth0.forwarding", "net", "4: nodes.a.sysctls.net: "),
    ('forwarding" = 1', 'forwarding" = "1\\n"', '4: nodes.a.sysctls."net.ipv4.conf.eth0.forwarding": found the string'),
    ("loss_pct = 1.0", "jitter_ms = 21", "21: links[1].impair.jitter_ms: at most delay_ms = 20 was expected"),
    ("delay_ms = 20", "reorder_pct = 1", "21: links[1].impair.reorder_pct: needs delay_ms"),
    ("delay_ms = 20", "burst_pct = 0.5", "21: links[1].impair.burst_pct: at least loss_pct = 1 was expected"),
    ("[nodes.b]", "[[nodes.a.run]]\ncommand = []\n[nodes.b]",
     "10: nodes.a.run[0].command: found an array, expected an array of length >= 1"),
    ("[nodes.b]", '[[nodes.a.run]]\ncommand = [""]\n[nodes.b]', "10: nodes.a.run[0].command: the program's name is em"),
    ("[nodes.b]", '[[nodes.a.run]]\ncommand = ["a", "\\u0000"]\n[nodes.b]', "10: nodes.a.run[0].command[1]: found a z"),
    ("[nodes.b]", '[[nodes.a.run]]\ncommand = ["a"]\nenv = { "a=" = "" }\n[nodes.b]',
     '11: nodes.a.run[0].env."a=": expected a name without'),
])
def test_a_mistake_across_tables(old: str, new: str, expected: str) -> None:
    assert the_mistake(old, new).startswith(expected)


def test_impair_back_is_checked_like_impair() -> None:
    text = changed("impair = { delay_ms = 20, loss_pct = 1.0 }", "impair_back = { jitter_ms = 1 }")
    assert mistakes(text) == ["21: links[1].impair_back.jitter_ms: at most delay_ms = 0 was expected"]


VXLAN = '[nodes.b.interfaces.vx]\ntype = "vxlan"\nvni = 1\n{}\n[bridges.br1]'


@pytest.mark.parametrize(("keys", "expected"), [
    ('parent = "eth9"', '17: nodes.b.interfaces.vx.parent: b has no interface "eth9" (did you mean "eth0"?)'),
    ('parent = "vx"', "17: nodes.b.interfaces.vx.parent: it cannot carry itself"),
    ('remote = "239.0.0.1"', "17: nodes.b.interfaces.vx.remote: 239.0.0.1 is a group, which needs a parent"),
    ('remote = "10.0.0.300"', '17: nodes.b.interfaces.vx.remote: found the string "10.0.0.300", expected an address'),
    ('remote = "10.0.0.1"\nlocal = "fd00::2"', "18: nodes.b.interfaces.vx.local: fd00::2 and the remote 10.0.0.1 are"),
    ('local = "ff02::1"', "17: nodes.b.interfaces.vx.local: ff02::1 is a group"),
    ('[nodes.b.interfaces.vy]\ntype = "vxlan"\nvni = 1', "19: nodes.b.interfaces.vy.vni: vx has VNI 1 at port 4789 al"),
])
def test_a_mistake_of_a_vxlan(keys: str, expected: str) -> None:
    assert the_mistake("[bridges.br1]", VXLAN.format(keys)).startswith(expected)


@pytest.mark.parametrize("keys", ['parent = "eth0"\nremote = "239.0.0.1"', 'remote = "10.0.0.1"', "port = 8472"])
def test_a_sound_vxlan(keys: str) -> None:
    assert parse(changed("[bridges.br1]", VXLAN.format(keys))).topology.nodes["b"].interfaces["vx"]


RIGHTS = """\
[nodes.b.interfaces.t]
type = "tap"
owner = 1
group = 2
[nodes.b.interfaces.c]
type = "card"
card = "eth0"
[bridges.host0]
host = true
vlan_filtering = true
[bridges.br1]"""


def test_what_an_ordinary_user_cannot_have() -> None:
    text = changed("[bridges.br1]", RIGHTS)
    facts = Facts(is_root=False, vlan_filtering=lambda: False, uid=1000, gid=2)
    assert [line.partition(", ")[0] for line in mistakes(text, facts)] == [
        "16: nodes.b.interfaces.t.owner: only root gives a device to another user (1): leave it out",
        "20: nodes.b.interfaces.c.card: only root takes the card eth0 from the host: use a TAP",
        "22: bridges.host0.host: only root makes a bridge in the host's namespace: leave it out",
        "23: bridges.host0.vlan_filtering: this kernel's bridge has none (CONFIG_BRIDGE_VLAN_FILTERING): leave it out",
    ]


def test_what_is_not_known_is_no_mistake() -> None:
    assert parse(changed("[bridges.br1]", RIGHTS)).topology.bridges["host0"].host
    assert parse(changed("[bridges.br1]", RIGHTS), facts=Facts(is_root=True, vlan_filtering=lambda: True)).folder


def test_what_the_host_has() -> None:
    facts = Facts(is_root=True, interfaces={"eth1", "host0"})
    assert [line.partition(":")[2] for line in mistakes(changed("[bridges.br1]", RIGHTS), facts)] == [
        ' nodes.b.interfaces.c.card: the host has no interface eth0 (did you mean "eth1"?)',
        " bridges.host0: the host has an interface of this name: choose another",
    ]


def test_a_card_is_given_once() -> None:
    cards = '[nodes.{}.interfaces.c]\ntype = "card"\ncard = "eth0"\n'
    text = changed("[bridges.br1]", f"{cards.format('a')}{cards.format('b')}[bridges.br1]")
    assert mistakes(text) == ["19: nodes.b.interfaces.c.card: eth0 is given to nodes.a.interfaces.c already"]


def test_twenty_mistakes_are_twenty() -> None:
    found = mistakes(TWENTY)
    assert [int(line.partition(":")[0]) for line in found] == [
        at for at, line in enumerate(TWENTY.splitlines(), 1) for _ in range(line.count("#!"))
    ]
    assert len(found) == 20


TWENTY = """\
name = "a/b" #!
colour = "red" #!
[nodes.a]
routes = [{ to = "10.1.0.1/16", via = "10.0.0.254" }] #!
sysctls = { "kernel.x" = 1, "net.ipv4.ip_forward" = [] } #! #!
masquerade = ["eth7"] #!
[nodes.b]
routes = [{ to = "default", via = "10.7.0.300" }] #!
[nodes.b.interfaces.t]
type = "tpa" #!
[nodes.b.interfaces.vx]
type = "vxlan"
vni = 16777216 #!
[nodes.c]
routes = [{ to = "default", via = "10.7.0.254" }] #!
[bridges.br0]
address = ["10.0.0.254/33", "10.0.0.253"] #! #!
[bridges.br0.interfaces.t]
type = "tun" #!
[bridges.b] #!
[[links]]
endpoints = ["a:eth0", "br0"]
address = ["10.0.0.1/24", "fd00::1/64"]
mtu = 1000 #!
[[links]]
endpoints = ["c:eth0", "br0"]
address = ["10.0.0.1/24"] #!
[[links]]
endpoints = ["c:eth0", "br0"] #!
[[links]]
endpoints = ["d:eth0", "br9"] #! #!
impair = { delay_ms = 1, jitter_ms = 2 } #!
"""
