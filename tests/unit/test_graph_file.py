"""Graph files: one that loads, and each kind of mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel.engine_options import EngineOptions
from tunnel.errors import ConfigError
from tunnel.graph import Graph, Link

GOLDEN = Path(__file__).parent / "golden"
NODES = Path(__file__).parent / "nodes.py"

SITE = """\
[devices.tun0]
type = "tun"
address = ["10.8.0.1/24", "fd08::1/64"]
mtu = 1420
[devices.wan]
type = "udp"
listen = "0.0.0.0:9000"
[handlers.t]
type = "udp_tunnel"
peer = "192.0.2.2:9000"
[graph]
links = ["tun0 -- t.overlay", "t.underlay -- wan"]
"""

SOUND = f"""\
[devices.a]
type = "{NODES}:Cable"
[devices.b]
type = "{NODES}:Cable"
[handlers.two]
type = "{NODES}:Two"
gain = 2
[engine]
strict = true
[graph]
links = ["a -- two.left", "two.right -> b"]
"""


def load(folder: Path, text: str) -> Graph:
    file = folder / "graph.toml"
    file.write_text(text)
    return Graph.load(file, trust=True)


def mistakes(folder: Path, text: str) -> list[str]:
    """What is reported, each as ``line: text``."""
    with pytest.raises(ConfigError) as caught:
        load(folder, text)
    assert {problem.file for problem in caught.value.problems} == {str(folder / "graph.toml")}
    return [f"{problem.line}: {problem.text}" for problem in caught.value.problems]


def test_the_file_of_a_site_loads(tmp_path: Path) -> None:
    graph = load(tmp_path, SITE)
    assert {name: type(node).__name__ for name, node in graph.devices.items()} == {"tun0": "Tun", "wan": "Udp"}
    assert [graph.link_text(link) for link in graph.links] == [
        "tun0 -> t.overlay", "t.overlay -> tun0", "t.underlay -> wan", "wan -> t.underlay",
    ]


def test_a_sound_file_becomes_a_graph(tmp_path: Path) -> None:
    graph = load(tmp_path, SOUND)
    assert graph.links == [Link("a", 0, "two", 0), Link("two", 0, "a", 0), Link("two", 1, "b", 0)]
    assert [*graph.devices] == ["a", "b"]
    assert vars(graph.handlers["two"]) == {"gain": 2.0, "label": ""}
    assert graph.handlers["two"].name == "two"
    assert (graph.engine.strict, graph.engine.loop) == (True, "uvloop")


def test_every_mistake_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    with pytest.raises(ConfigError) as caught:
        Graph.load("eight_mistakes.toml", trust=True)
    assert str(caught.value) + "\n" == (GOLDEN / "eight_mistakes.txt").read_text()


@pytest.mark.parametrize(("old", "new", "expected"), [
    ('[engine]\nstrict = true', '[engine]\nquarantine_after = 0',
     "9: engine.quarantine_after: found the integer 0, expected an integer >= 1"),
    ("[engine]", "[engines]", '8: engines: unknown table (did you mean "engine"?), expected one of devices, engine'),
    ("gain = 2", "gain = -2", "7: handlers.two.gain: ValueError: gain is negative"),
    ("gain = 2", "gain = 13", "5: handlers.two: ValueError: thirteen"),
    ("gain = 2", 'gain = "x"', '7: handlers.two.gain: found the string "x", expected a number'),
    ("gain = 2", "gian = 2", '7: handlers.two.gian: unknown key (did you mean "gain"?), expected one of gain, label'),
    (":Two", ":Mute", '7: handlers.two.gain: unknown key, none is known'),
    ("[devices.b]\n", '[devices.b]\naddress = [\n"bad"]\n',
     "4: devices.b.address: found bad, expected an address with prefix length"),
    ("[devices.b]\n", '[devices.b]\naddress = ["ok",\n"ok", 3]\n',
     "5: devices.b.address[2]: found the integer 3, expected a string"),
    ("[devices.b]\n", '[devices.b]\nmtu = 67\n',
     "4: devices.b.mtu: found the integer 67, expected an integer >= 68 (bytes)"),
    ('"two.right -> b"', '"two.right - b"',
     '11: link "two.right - b": expected "NAME.PORT -- NAME.PORT" (both ways) or "->" (one way)'),
    ('"two.right -> b"', '\n\n"two.right -> c"',
     '13: link "two.right -> c": nothing is named "c", expected one of a, b, two'),
    ('"two.right -> b"', '"two -> b"', '11: link "two -> b": two has 2 ports, expected one of two.left, two.right'),
    ('"two.right -> b"', '"two.rigth -> b"',
     '11: link "two.rigth -> b": two has no port "rigth" (did you mean "right"?), expected one of two.left, two.right'),
    ('"two.right -> b"', '"two.right -> b.x"',
     '11: link "two.right -> b.x": b is a device, which has one port: expected "b"'),
    ('"two.right -> b"', '"two.left -> b"',
     '11: link "two.left -> b": two.left already goes to a (line 11), expected one place for each output: '),
    (', "two.right -> b"', "", '3: b: no link joins this device, expected one such as "b -- NAME.PORT"'),
    ('"two.right -> b"', "7", "11: graph.links[1]: found the integer 7, expected a string"),
    ("links = [", "link = [", '11: graph.link: unknown key (did you mean "links"?), expected links'),
])
def test_a_mistake_has_its_line(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in SOUND
    found = mistakes(tmp_path, SOUND.replace(old, new))
    assert [text for text in found if text.startswith(expected)], found


def test_the_engine_has_its_defaults(tmp_path: Path) -> None:
    assert load(tmp_path, SOUND.replace("[engine]\nstrict = true", "")).engine == EngineOptions()


@pytest.mark.parametrize(("text", "expected"), [
    ("devices = 3", "1: devices: found the integer 3, expected a table"),
    ("[devices]\na = []", "2: devices.a: found an array, expected a table"),
    ("[devices.a]\nmtu = 1400",
     '1: devices.a: the key "type" is missing, expected one of packet_socket, pcap, tap, tun, udp'),
    ("[handlers.a]\ntype = 4", "2: handlers.a.type: found the integer 4, expected a string"),
    ('[handlers.a]\ntype = "tun"', "2: handlers.a.type: found 'tun': it is a device, which belongs under [devices]"),
    ("", 'None: graph: the key "links" is missing, expected an array'),
    ("[graph]\nlinks = []", "None: the graph has no device, expected at least one"),
])
def test_a_wrong_structure(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in mistakes(tmp_path, text)


def test_a_name_in_use(tmp_path: Path) -> None:
    text = SOUND + f'[handlers.a]\ntype = "{NODES}:One"\n'
    assert mistakes(tmp_path, text) == [
        '12: handlers.a: name "a": in use, expected one of its own for each object'
    ]


def test_what_follows_from_a_mistake_is_not_reported(tmp_path: Path) -> None:
    broken = SOUND.replace("gain = 2", "gain = -2")
    assert mistakes(tmp_path, broken) == ["7: handlers.two.gain: ValueError: gain is negative"]


def test_a_device_table_becomes_a_name(tmp_path: Path) -> None:
    graph = load(tmp_path, SOUND.replace("[devices.b]", '[devices."eth0.7"]').replace("-> b", "-> eth0.7"))
    assert graph.links[-1] == Link("two", 1, "eth0.7", 0)
    assert graph.devices["eth0.7"].name == "eth0.7"


INHERITED = """\
[devices.left]
type = "tap"
fd = 7
[devices.right]
type = "tap"
fd = 8
[graph]
links = ["left -- right"]
"""


def test_descriptors_that_somebody_else_opened(tmp_path: Path) -> None:
    graph = load(tmp_path, INHERITED)
    assert [device.fd for device in graph.devices.values()] == [7, 8]


@pytest.mark.parametrize(("old", "new", "problems"), [
    ("fd = 8", "fd = 7", ["4: right: descriptor 7 is that of left (line 1), expected another"]),
    ("fd = 8", "fd = -1", ["6: devices.right.fd: found the integer -1, expected an integer >= 0"]),
    ("fd = 8", 'fd = 8\nmtu = 1400\naddress = ["10.0.0.1/24"]', ["leave out address, mtu"]),
    ("[graph]", "[engine]\nworkers = 2\n[graph]", ["1: left: an open descriptor is one queue", "4: right: an open"]),
])  # fmt: skip
def test_mistakes_with_a_descriptor(tmp_path: Path, old: str, new: str, problems: list[str]) -> None:
    found = mistakes(tmp_path, INHERITED.replace(old, new))
    assert len(found) == len(problems)
    assert all(problem in text for problem, text in zip(problems, found, strict=True)), found
