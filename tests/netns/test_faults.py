"""What happens under a running engine: devices deleted, moved, set down; their namespaces removed."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from pyroute2 import IPRoute

from tests.netns.alone import alone, another
from tests.netns.engines import Here, Running, interfaces, running, until
from tests.netns.sites import between, graph
from tests.netns.tuns import delete, names
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping
from tunnel.lab.readiness import await_line

LOOPS = pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
RECREATE = """
[engine]
on_gone = "recreate"
[devices.t0]
type = "{kind}"
address = ["10.7.0.1/24"]
[handlers.echo]
type = "echo"
[graph]
links = ["t0 -- echo"]
"""
JOINED = '[engine]\non_gone = "recreate"\n' + between("wire", "wire", {"va": "packet_socket", "tap": "tap"})


def answers(node: Node, address: str = "10.7.0.9") -> bool:
    """Whether pings come back; 8 of 10, for a TAP resolves first."""
    try:
        return len(ping(node, address, count=10, interval_s=0.02).rtts_s) >= 8
    except OSError:  # no route there
        return False


def ended(engine: Running, *said: str) -> None:
    status, errors = engine.wait()
    assert status == 2
    assert "Traceback" not in errors
    assert all(words in errors for words in said), errors
    assert errors.count("\n") == 1, errors


@LOOPS
@pytest.mark.parametrize("kind", [[], ["--tap"]], ids=["tun", "tap"])
def test_a_deleted_device_ends_the_engine(lab: Lab, kind: list[str], loop: str):
    node = lab.node("a")
    with running(node, "echo", "t0", *kind, "--address", "10.7.0.1/24", "--loop", loop) as engine:
        assert answers(node)
        node.delete("t0")
        ended(engine, "tunnel: interface t0: gone", "deleted")
    assert interfaces(node) == {"lo"}


@LOOPS
def test_a_device_set_down_and_then_deleted_ends_the_engine(lab: Lab, loop: str):
    node = lab.node("a")
    with running(node, "echo", "t0", "--address", "10.7.0.1/24", "--loop", loop) as engine:
        node.down("t0")
        node.delete("t0")
        ended(engine, "tunnel: interface t0: gone")


def test_the_other_devices_go_too(lab: Lab):
    node = lab.node("a")
    with running(node, "wire", "ta", "tb") as engine:
        node.delete("ta")
        ended(engine, "interface ta: gone")
    assert interfaces(node) == {"lo"}


@LOOPS
@pytest.mark.parametrize("kind", ["tun", "tap"])
def test_a_deleted_device_comes_back(lab: Lab, tmp_path: Path, kind: str, loop: str):
    node = lab.node("a")
    with running(node, "run", graph(tmp_path, RECREATE.format(kind=kind)), "--loop", loop) as engine:
        for _ in range(2):
            assert answers(node)
            node.delete("t0")
            await_line(engine.process, "interface t0: gone")
            until(lambda: "t0" in interfaces(node))
            until(lambda: answers(node))
        counted = engine.stop()["handlers"]["echo"]
    assert counted["tx"]["packets"] >= 3 * 8
    assert interfaces(node) == {"lo"}


def test_a_name_taken_meanwhile_is_waited_for(lab: Lab, tmp_path: Path):
    node = lab.node("a")
    with running(node, "run", graph(tmp_path, RECREATE.format(kind="tun"))) as engine:
        node.delete("t0")
        taken = node.tun("t0", tap=True)
        await_line(engine.process, "interface t0: gone")
        assert not answers(node)
        os.close(taken)
        until(lambda: answers(node))
        engine.stop()


def test_a_packet_sockets_interface_is_deleted_and_made_again(lab: Lab, tmp_path: Path):
    switch, left, right = lab.node("switch"), lab.node("left"), lab.node("right")

    def connect() -> None:
        lab.link((switch, "va"), (left, "eth0"))
        switch.up("va")
        left.address("eth0", "10.7.0.1/24")
        left.up("eth0")

    connect()
    with running(switch, "run", graph(tmp_path, JOINED)) as engine:
        switch.move("tap", right)
        right.address("tap", "10.7.0.9/24")
        right.up("tap")
        assert answers(left)
        switch.delete("va")
        await_line(engine.process, "interface va: gone")
        connect()
        until(lambda: answers(left))
        engine.stop()


def test_a_moved_device_goes_on_working(lab: Lab):
    node, other = lab.node("a"), lab.node("b")
    with running(node, "echo", "t0", "--address", "10.7.0.1/24") as engine:
        node.move("t0", other)
        other.address("t0", "10.7.1.1/24", "fd07::1/64")
        other.up("t0")
        assert answers(other, "10.7.1.9")
        assert answers(other, "fd07::9")
        engine.stop()
    assert interfaces(other) == {"lo"}


@alone
def test_the_namespace_of_a_moved_device_is_removed() -> None:
    far = another()
    with running(Here(), "wire", "ta", "tb") as engine:
        with IPRoute() as ipr:
            ipr.link("set", index=socket.if_nametoindex("ta"), net_ns_fd=far)
        os.close(far)
        ended(engine, "interface ta: gone", "or its namespace was")
    assert not {"ta", "tb"} & names()


def addressed(name: str) -> bool:
    """Whether it is there and has its IPv4 address, the last thing that it is given when it is opened."""
    with IPRoute() as ipr:
        return bool(name in names() and ipr.get_addr(family=socket.AF_INET, label=name))


@alone
def test_a_device_made_again_after_its_namespace_went() -> None:
    text = RECREATE.format(kind="tun")
    with TemporaryDirectory() as folder, running(Here(), "run", graph(Path(folder), text)) as engine:
        far = another()
        with IPRoute() as ipr:
            ipr.link("set", index=socket.if_nametoindex("t0"), net_ns_fd=far)
        os.close(far)
        await_line(engine.process, "interface t0: gone")
        until(lambda: addressed("t0"))
        delete("t0")
        await_line(engine.process, "interface t0: gone")
        engine.stop()


@pytest.mark.parametrize("kind", [[], ["--tap"]], ids=["tun", "tap"])
def test_a_link_goes_down_and_up(lab: Lab, kind: list[str]):
    node = lab.node("a")
    with running(node, "echo", "t0", *kind, "--address", "10.7.0.1/24") as engine:
        for _ in range(2):
            assert answers(node)
            node.down("t0")
            assert not answers(node)
            node.up("t0")
        assert answers(node)
        engine.stop()


def test_the_interface_under_a_tunnel_goes_down_and_up(lab: Lab):
    west, east = lab.node("west"), lab.node("east")
    lab.link((west, "eth0"), (east, "eth0"))
    for number, node in enumerate((west, east), 1):
        node.address("eth0", f"192.0.2.{number}/24")
        node.up("eth0")
    inner = ["udp", "t0", "--listen", "0.0.0.0:9000", "--address"]
    with (
        running(west, *inner, "10.7.0.1/24", "--peer", "192.0.2.2:9000") as engine,
        running(east, *inner, "10.7.0.9/24", "--peer", "192.0.2.1:9000"),
    ):
        assert answers(west)
        west.down("eth0")
        assert not answers(west)
        west.up("eth0")
        until(lambda: answers(west))
        assert engine.stop()["devices"]["underlay"]["drops"]["NO_ROUTE"]["packets"] > 0
