"""What looks at a lab that is up: who reaches whom, and what its interfaces are doing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.netns.sites import cabled
from tests.unit.cli.calls import call
from tunnel import IP
from tunnel.handlers.echo import Echo
from tunnel.lab import Lab, Node
from tunnel.lab.echoes import ask_all
from tunnel.lab.reach import Reach, pairs
from tunnel.lab.topology import Bridge, Link, Topology
from tunnel.lab.topology import Node as Described
from tunnel.lab.view import state, view
from tunnel.lab.waves import forget_neighbours, measure
from tunnel.testing import drive

FAST: Any = {"count": 2, "interval_s": 0.01, "timeout_s": 0.3}


def flat(lab: Lab, count: int, bare: tuple[str, ...] = ()) -> Topology:
    """Hosts on a bridge, as described and as built; the ``bare`` have no address."""
    names = [f"n{number}" for number in range(count)]
    links = [
        Link(endpoints=[f"{name}:eth0", "br0"], address=[] if name in bare else [f"10.0.0.{n}/24", f"fd00::{n}/64"])
        for n, name in enumerate(names, 1)
    ]
    switch = lab.node("br0")
    for name, link in zip(names, links, strict=True):
        node = lab.node(name)
        lab.link((node, "eth0"), (switch, f"to-{name}"))
        node.address("eth0", *link.address)
    ports = [f"to-{name}" for name in names]
    switch.up(switch.bridge("br0", ports), *ports)
    for name in names:
        lab.nodes[name].up("eth0")
    return Topology(
        name="flat", nodes={name: Described() for name in names}, bridges={"br0": Bridge()}, links=links
    )  # fmt: skip


class Up:
    """What ``attached`` gives for a lab of these tests."""

    def __init__(self, lab: Lab, topology: Topology) -> None:
        self.name, self.topology, self.nodes = topology.name, topology, lab.nodes

    def processes(self) -> list[dict[str, Any]]:
        return [{"node": "n0", "command": ["/usr/bin/sleep", "9"], "pid": 4711, "state": "running"}]


@pytest.fixture
def three(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Topology:
    """A lab of three on a bridge, that the commands find."""
    topology = flat(lab, 3)

    @contextmanager
    def attached(name: str | None = None) -> Iterator[Up]:
        assert name in (None, "flat")
        yield Up(lab, topology)

    monkeypatch.setattr("tunnel.cli.lab.attach.attached", attached)
    return topology


def test_everybody_answers_everybody(lab: Lab):
    matrix = measure(flat(lab, 4), lab.nodes, **FAST)
    assert matrix.heading == "every pair of 4 nodes"
    assert not matrix.failed and not matrix.without
    asked = [(one.source, one.target, one.version) for one in matrix.reaches]
    assert asked == [(f"n{a}", f"n{b}", v) for v in (4, 6) for a in range(4) for b in range(4) if a != b]
    for one in matrix.reaches:
        assert one.sent == one.received == 2 and one.median_s is not None
        assert 0 < one.rtts_s[0] <= one.median_s <= one.rtts_s[-1] < 0.2


def test_one_that_is_down_is_lost_and_one_without_address_is_not_asked(lab: Lab):
    topology = flat(lab, 4, bare=("n3",))
    lab.nodes["n2"].down("eth0")
    matrix = measure(topology, lab.nodes, **FAST)
    assert matrix.without == ["n3"]
    asked = [pair for pair in pairs(topology)[1] if "n3" not in pair]
    assert {(one.source, one.target) for one in matrix.failed} == {pair for pair in asked if "n2" in pair}
    assert {(one.source, one.target) for one in matrix.reaches if one.received} == {("n0", "n1"), ("n1", "n0")}
    assert all(one.words == "Network is unreachable" for one in matrix.failed if one.source == "n2")


def test_an_address_that_is_not_described_is_the_kernels(lab: Lab):
    cabled(lab, "10.0.0.{}/24", "fd00::{}/64")
    links = [Link(endpoints=["west:eth0", "east:eth0"], address=["10.0.0.1/24"])]
    topology = Topology(name="two", nodes={"west": Described(), "east": Described()}, links=links)
    matrix = measure(topology, lab.nodes, **FAST)
    assert [(one.source, one.address, one.received) for one in matrix.reaches] == [
        ("west", "10.0.0.2", 2), ("east", "10.0.0.1", 2),
    ]  # fmt: skip


def test_some_answers_are_enough(lab: Lab):
    """The first request goes where nobody is; the neighbour comes back for the second."""
    topology = flat(lab, 2)
    down, later = lab.nodes["n1"], []

    def progress(share: float) -> None:
        later.append(share)
        if len(later) == 1:
            down.up("eth0")

    down.down("eth0")
    matrix = measure(topology, lab.nodes, count=3, interval_s=0.2, timeout_s=1, progress=progress)
    back = next(one for one in matrix.reaches if one.source == "n1" and one.version == 4)
    assert 1 <= back.received < back.sent == 3 and back.words == "Network is unreachable"
    assert back not in matrix.failed


def test_a_late_answer_to_an_earlier_run_is_none(lab: Lab):
    """A program behind a TUN answers what the run before asked, while the next one listens."""
    node = lab.node("node")
    fd = node.tun("t0")
    node.sysctl("net.ipv6.conf.t0.disable_ipv6", 1)
    node.address("t0", "10.9.0.1/24")
    node.up("t0")
    kept: list[bytes] = []

    def ask(count: int) -> Reach:
        known = {"node": {4: "10.9.0.1"}, "program": {4: "10.9.0.2"}}
        options: Any = {"count": count, "interval_s": 0.01, "timeout_s": 0.1, "progress": lambda share: late()}
        return ask_all(lab.nodes, [("node", "program")], known, **options)[0]

    def late() -> None:
        """The newest packet is kept, one that was kept before answered."""
        if kept:
            os.write(fd, drive(Echo(), {"port": [kept[-1]]}, medium=IP).out["port"][0])
        kept.append(os.read(fd, 2048))

    assert ask(1).received == 0
    assert ask(1).received == 0, "the answer was to the first run's"
    assert ask(2).received == 1, "and this one to its own"


def test_nodes_forget_their_neighbours(lab: Lab):
    def known(node: Node) -> str:
        return "".join(node.run(["cat", "/proc/net/arp"]).stdout.splitlines(keepends=True)[1:])

    topology = flat(lab, 2)
    measure(topology, lab.nodes, **FAST)
    assert "10.0.0.2" in known(lab.nodes["n0"])
    forget_neighbours(topology, lab.nodes, ["n0"])
    assert known(lab.nodes["n0"]) == "" and "10.0.0.1" in known(lab.nodes["n1"])


def test_more_pairs_than_the_kernel_has_room_for_neighbours(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tunnel.lab.waves.lines", lambda: 8)
    shares: list[float] = []
    matrix = measure(flat(lab, 4), lab.nodes, **FAST, progress=shares.append)
    assert len(matrix.reaches) == 24 and not matrix.failed
    assert shares == pytest.approx([1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6, 1])


def test_who_was_lost_in_one_of_several_waves_is_asked_again(lab: Lab, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tunnel.lab.waves.lines", lambda: 8)
    topology = flat(lab, 4)
    lab.nodes["n1"].down("eth0")
    lab.nodes["n2"].down("eth0")

    def progress(share: float) -> None:
        if share == 1:  # the last wave's last requests are on their way
            lab.nodes["n2"].up("eth0")

    matrix = measure(topology, lab.nodes, **FAST, progress=progress)
    assert len(matrix.reaches) == 24
    # Only IPv4: IPv6 addresses are gone once it is down.
    failed = {(one.source, one.target) for one in matrix.failed if one.version == 4}
    assert failed == {pair for pair in pairs(topology)[1] if "n1" in pair}


def test_a_view_has_what_the_kernel_says(lab: Lab):
    topology = flat(lab, 3)
    measure(topology, lab.nodes, **FAST)
    lab.nodes["n1"].down("eth0")
    lab.nodes["n2"].delete("eth0")
    found = view(topology, lab.nodes, [{"node": "n0", "command": ["sleep", "9"], "pid": 1, "state": "running"}])
    first, second, third = (node["interfaces"][0] for node in found["nodes"])
    assert (state(first), state(second), state(third)) == ("up", "down", "gone")
    assert first["kind"] == "veth" and first["far"] == "br0" and first["tx_packets"] > 4
    assert [node["processes"] == [] for node in found["nodes"]] == [False, True, True]
    assert found["bridges"][0]["ports"] == ["n0:eth0", "n1:eth0", "n2:eth0"]
    assert found["links"][0]["ends"] == [first, None]
    assert json.loads(json.dumps(found)) == found


def test_show(three: Topology, capsys: pytest.CaptureFixture[str], tmp_path):
    done = call(capsys, "lab", "show")
    assert done.status == 0 and not done.err
    for words in ("lab flat", "n0    host  sleep (running)  up     eth0 -- br0", "n2:eth0 -- br0  1500", "br0     no"):
        assert words in done.out
    assert json.loads(call(capsys, "lab", "show", "-j", "--lab", "flat").out)["bridges"][0]["up"] is True
    assert call(capsys, "lab", "show", "--svg", str(tmp_path / "x.svg")).status == 0
    assert (tmp_path / "x.svg").read_text() == call(capsys, "lab", "show", "--svg", "-").out
    assert call(capsys, "lab", "show", "--svg", str(tmp_path)).status == 1


def test_ping(three: Topology, lab: Lab, capsys: pytest.CaptureFixture[str]):
    words = ("lab", "ping", "--count", "1", "--timeout", "0.3")
    done = call(capsys, *words)
    assert done.status == 0, done.err
    assert "every pair of 3 nodes" in done.out and "12 of 12 pairs answer" in done.out
    lab.nodes["n1"].down("eth0")
    done = call(capsys, *words)
    assert done.status == 1
    assert "4 of 12 pairs answer" in done.out and done.out.count("lost") == 8
    failed = call(capsys, *words, "-j")
    assert failed.status == 1
    pair = json.loads(failed.out)["pairs"][1]
    assert pair | {"rtt_ms": {}} == {
        "from": "n0", "to": "n2", "address": "10.0.0.3", "sent": 1, "received": 1, "rtt_ms": {}, "error": None,
    }  # fmt: skip
    assert pair["rtt_ms"]["min"] == pair["rtt_ms"]["max"] > 0


def test_a_matrix_too_wide_for_the_terminal_is_a_list(
    three: Topology, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tunnel.cli.lab.ping.terminal_columns", lambda: 20)
    done = call(capsys, "lab", "ping", "--count", "1")
    assert done.status == 0
    assert "FROM  ANSWER  MIN" in done.out and done.out.count("2 of 2") == 6
