"""Links that go down, namespaces that vanish, routes that lead in circles, captures that others read."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from time import monotonic

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from tests.interop.ends import THEIRS, ours, require, started
from tests.interop.pairs import INNER, Pair, answers, at, cabled, capture
from tests.netns.conftest import a_lab
from tests.netns.engines import until
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping


def listening(node: Node, port: int) -> bool:
    """Whether a UDP socket of a node has the port."""
    tables = node.run(["cat", "/proc/net/udp", "/proc/net/udp6"]).stdout
    return f":{port:04X} " in tables


def test_down_is_silence_and_up_is_as_before(pair: Pair):
    pair.reset()
    assert answers(pair.west.node, INNER[4][1])
    pair.east.home.down(pair.east.name)
    assert not answers(pair.west.node, INNER[4][1])
    pair.east.home.up(pair.east.name)
    until(lambda: answers(pair.east.node, INNER[4][0]))  # east has a route again, and asks for a handshake
    assert answers(pair.west.node, INNER[4][1])


@pytest.mark.usefixtures("only_ours")
def test_sockets_are_closed_while_the_link_is_down(lab: Lab):
    with started(lab, lab.node("here"), ours(), "wg0", port=1234) as end:
        end.configure()
        assert not listening(end.node, 1234)
        end.node.up("wg0")
        until(lambda: listening(end.node, 1234))
        end.node.down("wg0")
        until(lambda: not listening(end.node, 1234))
        assert end.show("listen-port") == "1234"


def test_the_end_of_its_namespace_is_the_end_of_the_program(lab: Lab):
    require("ip")
    node = lab.node("here")
    with started(lab, node, ours(), "wg0") as end:
        node.run(["ip", "netns", "add", "gone"])
        node.run(["ip", "link", "set", "wg0", "netns", "gone"])
        assert end.listens()
        node.run(["ip", "netns", "delete", "gone"])
        end.ended()
        assert end.process.returncode == 0


def test_a_deleted_link_is_the_end_of_the_program(lab: Lab):
    node = lab.node("here")
    with started(lab, node, ours(), "wg0") as end:
        node.up("wg0")
        node.delete("wg0")
        end.ended()
        assert end.process.returncode == 0


def test_an_endpoint_behind_its_own_tunnel_does_not_melt_the_host(fresh: Pair):
    """Every sealed packet is routed into the tunnel again; the kernel's own end of such a loop is the MTU."""
    west, east = fresh.ends
    west.set("peer", east.public, "endpoint", at("10.8.0.2", east.port))
    before, began = west.cpu_s(), monotonic()
    ping(west.node, INNER[4][1], count=50, interval_s=0.01)
    assert west.listens() and west.peer(east).tx < 70_000
    assert west.cpu_s() - before < 0.5 * (monotonic() - began)
    fresh.reset()
    assert answers(west.node, INNER[4][1])


def test_a_circle_of_two_tunnels_does_not_melt_the_host(fresh: Pair):
    """Each end believes that what the other sends it belongs to the other: the hop limit ends it."""
    require("ip")
    for end, other in (fresh.ends, fresh.ends[::-1]):
        end.node.sysctl("net.ipv4.ip_forward", 1)
        end.set("peer", other.public, "allowed-ips", "0.0.0.0/0")
        end.node.run(["ip", "route", "add", "10.66.0.0/16", "dev", end.name])
    assert answers(fresh.west.node, INNER[4][1])
    before = fresh.west.peer(fresh.east).tx
    ping(fresh.west.node, "10.66.0.1", count=10, interval_s=0.01)
    assert 0 < fresh.west.peer(fresh.east).tx - before < 10 * 64 * 200
    assert answers(fresh.west.node, INNER[4][1])


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[tuple[Pair, Path]]:
    """Ours with a key log, and theirs."""
    keys = tmp_path / "keys.log"
    with a_lab() as lab, ExitStack() as stack:
        ends = [
            stack.enter_context(started(lab, node, program, f"wg{number}", port=51820 + number, env=env))
            for number, (node, program, env) in enumerate(
                zip(cabled(lab), (ours(), THEIRS), ({"TUNNEL_WG_KEYLOG": str(keys)}, {}), strict=True)
            )
        ]
        made = Pair(lab, *ends)
        made.reset()
        for number, end in enumerate(ends):
            end.address(f"{INNER[4][number]}/24")
        yield made, keys


def captured(pair: Pair, file: Path) -> None:
    """A handshake begun by either end, and an echo each way, as frames of the cable in a file."""
    with capture(pair.east.node, "eth0") as frames:
        assert answers(pair.west.node, INNER[4][1])
        pair.reset()
        assert answers(pair.east.node, INNER[4][0])
        frames.settimeout(0.2)
        wrpcap(str(file), [Ether(frame) for frame in everything(frames)])


def everything(frames: socket.socket) -> Iterator[bytes]:
    """Until nothing comes."""
    try:
        while True:
            yield frames.recv(65535)
    except TimeoutError:
        return


def tshark(file: Path, keys: Path, wanted: str, *fields: str) -> list[list[str]]:
    """The fields of the packets that a display filter finds, as tshark reads them with these keys."""
    require("tshark")
    command = ["tshark", "-r", str(file), "-o", f"wg.keylog_file:{keys}", "-Y", wanted, "-T", "fields"]
    for port in (51820, 51821):
        command += ["-d", f"udp.port=={port},wg"]
    command += [word for field in fields for word in ("-e", field)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_tshark_reads_what_a_known_key_opens(fresh: Pair, tmp_path: Path):
    """With a responder's static key alone: the initiator's key and its time."""
    file, keys = tmp_path / "cable.pcap", tmp_path / "keys.log"
    keys.write_text(f"LOCAL_STATIC_PRIVATE_KEY = {fresh.west.private}\n")
    captured(fresh, file)
    found = tshark(file, keys, "wg.type == 1 && wg.static", "wg.static")
    assert [fresh.east.public] == [name for (name,) in found]


@pytest.mark.usefixtures("only_ours")
def test_tshark_opens_what_the_key_log_tells(logged: tuple[Pair, Path], tmp_path: Path):
    pair, keys = logged
    file = tmp_path / "cable.pcap"
    captured(pair, file)
    assert keys.stat().st_mode & 0o077 == 0
    assert pair.west.private not in keys.read_text()
    known = f"LOCAL_STATIC_PRIVATE_KEY = {pair.west.private}\nREMOTE_STATIC_PUBLIC_KEY = {pair.east.public}\n"
    keys.write_text(known + keys.read_text())
    inner = tshark(file, keys, "wg && icmp", "icmp.type", "wg.receiver", "wg.counter")
    assert [kind for kind, *_ in inner] == ["8", "0"] * 2
    assert tshark(file, keys, "wg.type == 2", "wg.handshake_ok") == [["1"]] * 2
    marks = tshark(file, keys, "wg.type <= 2 && ip.src == 192.0.2.1", "ip.dsfield")
    assert {int(mark, 0) for (mark,) in marks} == {0x88}
