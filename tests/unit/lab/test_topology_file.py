"""Topology files: what is read, what is inherited, and the lines of mistakes within one table."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.unit.lab.topologies import LABS, changed, mistakes, the_mistake
from tunnel.errors import ConfigError
from tunnel.impairment import Impairment
from tunnel.lab.topology import Bridge, Tun, decode, encode
from tunnel.lab.topology_file import load, parse

OFFICE = """\
name = "office"
[nodes.a]
[nodes.b]
[bridges.br0]
address = ["10.0.0.254/24", "fd00::254/64"]
[[links]]
endpoints = ["a:eth0", "br0"]
address = ["10.0.0.1/24", "fd00::1/64"]
[[links]]
endpoints = ["b:eth0", "br0"]
address = ["10.0.0.2/24", "fd00::2/64"]
impair = { delay_ms = 20, loss_pct = 1.0 }
"""


def test_a_lab_is_read(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(OFFICE)
    loaded = load(file, trust=True)
    first, second = loaded.topology.links
    assert (loaded.file, loaded.folder) == (str(file), tmp_path)
    assert (loaded.topology.name, [*loaded.topology.nodes]) == ("office", ["a", "b"])
    assert loaded.topology.bridges == {"br0": Bridge(address=["10.0.0.254/24", "fd00::254/64"])}
    assert (first.endpoints, first.carried) == (["a:eth0", "br0"], False)
    assert (second.impair, second.carried) == (Impairment(delay_ms=20, loss_pct=1), True)
    assert decode(encode(loaded.topology)) == loaded.topology


def test_each_object_has_its_line() -> None:
    loaded = parse(OFFICE, "lab.toml")
    assert loaded.lines["nodes", "b"] == 3
    assert loaded.lines["links", 1] == 9
    assert loaded.place(("links", 1, "address", 1)) == "lab.toml:11"
    assert loaded.place(("links", 1, "mtu")) == "lab.toml:9"


@pytest.mark.parametrize("file", sorted(LABS.glob("*.toml")), ids=lambda file: file.stem)
def test_every_example_is_sound(file: Path) -> None:
    assert load(file, trust=True).topology.nodes


def test_the_campus_has_30_nodes() -> None:
    topology = load(LABS / "campus.toml", trust=True).topology
    assert len(topology.nodes) == 30
    assert sum(link.carried for link in topology.links) == 2


DEFAULTS = """\
name = "d"
[defaults.nodes]
ipv6 = false
sysctls = { "net.ipv4.ip_forward" = 1, "net.ipv4.tcp_sack" = 0 }
[defaults.bridges]
stp = true
[defaults.links]
mtu = 1400
impair = { delay_ms = 5, loss_pct = 1 }
[defaults.interfaces]
mtu = 1300
multi_queue = true
[nodes.a]
sysctls = { "net.ipv4.tcp_sack" = 1 }
[nodes.a.interfaces.t]
type = "tun"
[nodes.b]
ipv6 = true
[bridges.x]
[bridges.x.interfaces.v]
type = "vxlan"
vni = 1
mtu = 1350
[[links]]
endpoints = ["a:eth0", "b:eth0"]
impair = { loss_pct = 2 }
"""


def test_defaults_are_inherited() -> None:
    topology = parse(DEFAULTS).topology
    a, b, x = topology.nodes["a"], topology.nodes["b"], topology.bridges["x"]
    assert a.sysctls == {"net.ipv4.ip_forward": 1, "net.ipv4.tcp_sack": 1}
    assert (a.ipv6, b.ipv6, x.stp) == (False, True, True)
    assert a.interfaces == {"t": Tun(mtu=1300, multi_queue=True)}
    assert x.interfaces["v"].mtu == 1350
    assert (topology.links[0].mtu, topology.links[0].impair) == (1400, Impairment(delay_ms=5, loss_pct=2))


@pytest.mark.parametrize(("old", "new", "expected"), [
    ("mtu = 1400", "mtu = 1", "8: defaults.links.mtu: found the integer 1, expected an integer >= 68 (bytes)"),
    ("mtu = 1400", 'address = ["10.0.0.1/24"]', "8: defaults.links.address: unknown key, expected one of impair, "),
    ("[defaults.bridges]", "[defaults.bridge]", '5: defaults.bridge: unknown key (did you mean "bridges"?), '),
    ('"net.ipv4.ip_forward"', '"kernel.x"', '4: defaults.nodes.sysctls."kernel.x": sysctl '),
    ("delay_ms = 5,", "jitter_ms = 5,", "9: defaults.links.impair.jitter_ms: at most delay_ms = 0 was expected"),
    ("ipv6 = true", "ipv6 = true\nmasquerade = 3", "19: nodes.b.masquerade: found the integer 3, expected an array"),
])
def test_a_mistake_in_a_default_is_told_once(old: str, new: str, expected: str) -> None:
    (found,) = mistakes(DEFAULTS.replace(old, new))
    assert found.startswith(expected)


@pytest.mark.parametrize(("old", "new", "expected"), [
    ('name = "office"', "name = 3", "1: name: found the integer 3, expected a string"),
    ('name = "office"', "", 'None: the key "name" is missing, expected a string'),
    ("[nodes.a]\n", "[nodes.a]\nroute = []\n", '3: nodes.a.route: unknown key (did you mean "routes"?), expected one'),
    ("[bridges.br1]", "[bridges]\nbr1 = 3", "15: bridges.br1: found the integer 3, expected a table"),
    ("[bridges.br1]", "[bridges.br1]\n[bridge.br2]",
     '15: bridge: unknown key (did you mean "bridges"?), expected one of bridges, defaults, links, name, nodes'),
    ('type = "tun"', "", '6: nodes.a.interfaces.tun0: the key "type" is missing, expected one of card, tap, tun, vxla'),
    ('type = "tun"', 'type = "tum"',
     '7: nodes.a.interfaces.tun0.type: found the string "tum" (did you mean "tun"?), expected one of card, tap, tun'),
    ('type = "tun"', 'type = "tun"\nmac = ""', "8: nodes.a.interfaces.tun0.mac: unknown key"),
    ('type = "tun"', 'type = "vxlan"', '6: nodes.a.interfaces.tun0: the key "vni" is missing, expected an integer'),
    ('type = "tun"', 'type = "tun"\nmtu = 67', "8: nodes.a.interfaces.tun0.mtu: found the integer 67, expected"),
    ('to = "default", ', "", '3: nodes.a.routes[0]: the key "to" is missing, expected a string'),
    ("loss_pct = 1.0", "loss_pct = 101", "21: links[1].impair.loss_pct: found the integer 101, expected a number <= 1"),
    ("loss_pct = 1.0", "loss_pct = nan", "21: links[1].impair.loss_pct: found the float nan, expected a number >= 0"),
    ("loss_pct = 1.0", "los_pct = 1.0", '21: links[1].impair.los_pct: unknown key (did you mean "loss_pct"?)'),
    ('endpoints = ["br0", "br1"]', 'endpoints = ["br0"]',
     "23: links[2].endpoints: found an array, expected an array of length >= 2 (two ends)"),
    ('endpoints = ["br0", "br1"]', "mtu = 1500", '22: links[2]: the key "endpoints" is missing, expected an array'),
])
def test_a_mistake_within_a_table(old: str, new: str, expected: str) -> None:
    assert the_mistake(old, new).startswith(expected)


def test_no_toml_is_one_mistake() -> None:
    assert mistakes("name = \n")[0].startswith("1: not TOML at column 8: ")
    assert "digits" in mistakes(f"name = {'9' * 5000}\n")[0]


def test_what_follows_from_a_mistake_is_left_out() -> None:
    """Neither the gateway nor the interface is missed: they are in the link that was not understood."""
    text = changed('endpoints = ["a:eth0", "br0"]', 'endpoints = "a:eth0 br0"')
    assert [line.partition(": found")[0] for line in mistakes(text)] == ["16: links[0].endpoints"]
    text = changed('address = ["10.0.0.1/24", "fd00::1/64"]', 'address = "10.0.0.1/24"')
    assert [line.partition(": found")[0] for line in mistakes(text)] == ["17: links[0].address"]


def test_what_is_sound_beside_a_mistake_is_looked_at() -> None:
    text = changed('endpoints = ["a:eth0", "br0"]', 'endpoints = ["a:eth0", "br7"]\nmtu = "x"')
    assert [line.split(": ")[1] for line in mistakes(text)] == ["links[0].endpoints[1]", "links[0].mtu"]


def graph_lab(folder: Path, graph: str) -> Path:
    file = folder / "lab.toml"
    file.write_text(f'name = "g"\n[nodes.a]\ngraph = "{graph}"\n')
    return file


@pytest.mark.parametrize(("graph", "expected"), [
    ("none.toml", "cannot be read: No such file or directory"),
    ("", "cannot be read: Is a directory"),
    ("\\u0000", 'found the string "\\u0000", expected the name of a file'),
    ("bad.toml", "bad.toml:2: not TOML at column 4"),
])
def test_a_graph_file_that_cannot_be_used(tmp_path: Path, graph: str, expected: str) -> None:
    (tmp_path / "bad.toml").write_text("a = 1\nb =\n")
    with pytest.raises(ConfigError) as caught:
        load(graph_lab(tmp_path, graph), trust=True)
    (problem,) = caught.value.problems
    assert problem.line == 3
    assert problem.text.startswith("nodes.a.graph: ")
    assert expected in problem.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is kept from files of others: run as root")
def test_as_root_a_graph_file_that_others_may_write_is_refused(tmp_path: Path) -> None:
    file = graph_lab(tmp_path, "graphs/g.toml")
    graph = tmp_path / "graphs" / "g.toml"
    graph.parent.mkdir()
    graph.write_text("")
    assert load(file).topology.nodes["a"].graph == "graphs/g.toml"
    graph.parent.chmod(0o777)
    with pytest.raises(ConfigError, match=r"lab.toml:3: nodes.a.graph: .*graphs may be written by others \(mode 777\)"):
        load(file)
    assert load(file, trust=True).folder == tmp_path
    file.chmod(0o666)
    with pytest.raises(ConfigError, match="lab.toml: refused, since .* pass --trust-file"):
        load(file)


def lab_of(nodes: int) -> str:
    """Each node on a bridge of at most 50 ports, with addresses and routes of both families."""
    lines = ['name = "big"']
    lines += [
        f'[bridges.br{of}]\naddress = ["10.{of}.0.254/24", "fd00:{of:x}::254/64"]' for of in range((nodes + 49) // 50)
    ]
    for node in range(nodes):
        of, host = node // 50, node % 50 + 1
        lines += [
            f'[nodes.n{node}]\nroutes = [{{ to = "default", via = "10.{of}.0.254" }},',
            f'{{ to = "default", via = "fd00:{of:x}::254" }}]\n[[links]]\nendpoints = ["n{node}:eth0", "br{of}"]',
            f'address = ["10.{of}.0.{host}/24", "fd00:{of:x}::{host}/64"]',
        ]
    return "\n".join(lines)


def cost_s(text: str) -> float:
    """The least of three turns, by the processor's clock: other processes do not count."""
    spent = []
    for _ in range(3):
        before = time.process_time()
        assert parse(text).topology.links
        spent.append(time.process_time() - before)
    return min(spent)


def test_a_thousand_nodes_cost_ten_times_a_hundred() -> None:
    small, large = cost_s(lab_of(100)), cost_s(lab_of(1000))
    assert large < 0.8
    assert large < 16 * small
