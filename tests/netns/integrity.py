"""Two hosts with an engine each, a line between them that may be bad, and bytes verified by hash."""

from __future__ import annotations

import hashlib
import random
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

from tests.netns.engines import Running, running, until
from tests.netns.sites import cabled
from tunnel import offloads
from tunnel.counters import Ledger
from tunnel.lab import Lab, Node

OFFLOADS = {"all-on": "", "all-off": "all"} | {f"no-{name}": name for name in offloads.NAMES}
LINES = {
    "clean": "",
    "loss-1": "loss_pct = 1",
    "loss-5": "loss_pct = 5",
    "reordering-5": "delay_ms = 1\nreorder_pct = 5",
    "duplication-1": "duplicate_pct = 1",
    "corruption-1": "corrupt_pct = 1",
    "bad": "loss_pct = 1\ndelay_ms = 1\nreorder_pct = 5\nduplicate_pct = 1\ncorrupt_pct = 5",
}
ADDRESSES = {4: "10.8.0.{}", 6: "fd08::{}"}
PREFIXES = {4: 24, 6: 64}
MTU = 1420
PORT = 5201
PATIENCE_S = 60.0  # of a socket: on a bad line a retransmission may wait for seconds
CHUNK = 1 << 18
GRAPH = """
[devices.tun0]
type = "tun"
mtu = {mtu}
address = [{addresses}]
up = false
[devices.underlay]
type = "udp"
listen = "192.0.2.{here}:9000"
dont_fragment = true
[handlers.tunnel]
type = "udp_tunnel"
peer = "192.0.2.{there}:9000"
mtu = {mtu}
"""
STRAIGHT = """
[graph]
links = ["tun0 -- tunnel.overlay", "tunnel.underlay -- underlay"]
"""
IMPAIRED = """
[handlers.line]
type = "impair"
seed = 4
{line}
[graph]
links = ["tun0 -- tunnel.overlay", "tunnel.underlay -- line.a", "line.b -- underlay"]
"""

FEATURE = """
import ctypes, fcntl, socket, struct, sys
interface, command, value = sys.argv[1], int(sys.argv[2], 16), int(sys.argv[3])
told = (ctypes.c_uint32 * 2)(command, value)
fcntl.ioctl(socket.socket(), 0x8946, struct.pack("16sP16x", interface.encode(), ctypes.addressof(told)))
"""  # SIOCETHTOOL with a struct ethtool_value: linux/ethtool.h
TSO, GSO, GRO = "0x1f", "0x24", "0x2c"  # ETHTOOL_STSO, SGSO, SGRO


def feature(node: Node, interface: str, command: str, value: int) -> None:
    """Switch an offload of an interface: ``TSO``, ``GSO`` or ``GRO``."""
    node.run([sys.executable, "-c", FEATURE, interface, command, f"{value}"])


def graph(folder: Path, here: int, line: str = "", families: tuple[int, ...] = (4, 6)) -> str:
    """The file of one end, 1 or 2; what ``line`` says happens to its datagrams, both ways."""
    own = ", ".join(f'"{ADDRESSES[family].format(here)}/{PREFIXES[family]}"' for family in families)
    text = GRAPH.format(mtu=MTU, addresses=own, here=here, there=3 - here)
    path = folder / f"end{here}.toml"
    path.write_text(text + (IMPAIRED.format(line=line) if line else STRAIGHT))
    return str(path)


def hosts(lab: Lab) -> tuple[Node, Node]:
    """West and east, on one cable of MTU 1500; nobody speaks but who is asked to."""
    return cabled(lab, "192.0.2.{}/24", silent=True)


def up(node: Node, here: int, families: tuple[int, ...] = (4, 6)) -> None:
    """Set the overlay of one end up, and wait for its addresses: the kernel's work on IPv6 is done later."""
    own = ADDRESSES[6].format(here)
    local = f"{int(ip_address(own)):032x} 80 "
    node.up("tun0")
    if 6 in families:
        until(lambda: local in node.run(["cat", "/proc/net/ipv6_route"]).stdout)


class Pair:
    """The engines of both hosts; ``ledgers`` once they were stopped, near one first."""

    def __init__(self, nodes: tuple[Node, Node], engines: tuple[Running, Running]) -> None:
        self._nodes, self._engines = nodes, engines
        self.ledgers = list[Ledger]()

    def stop(self) -> tuple[Ledger, Ledger]:
        """Set the overlay down, let what is under way arrive, and close the account."""
        for node in self._nodes:
            node.down("tun0")
        until(_stillness(*self._nodes))
        near, far = (engine.stop() for engine in self._engines)
        closed(near, far)
        closed(far, near)
        return near, far


@contextmanager
def engines(nodes: tuple[Node, Node], folder: Path, line: str, families: tuple[int, ...] = (4, 6)) -> Iterator[Pair]:
    """Both engines; the line is at the western one, both ways. Nobody speaks before both are there."""
    west, east = nodes
    with (
        running(west, "run", graph(folder, 1, line, families)) as near,
        running(east, "run", graph(folder, 2, families=families)) as far,
    ):
        for here, node in enumerate(nodes, 1):
            up(node, here, families)
        yield Pair(nodes, (near, far))


def closed(sender: Ledger, receiver: Ledger) -> None:
    """What one end sent below arrived at the other, or the kernel says that it had no room.

    The kernel counts a super-packet that it dropped once.
    """
    sent = sender["devices"]["underlay"]["tx"]["packets"]
    missing = sent - receiver["devices"]["underlay"]["rx"]["packets"]
    refused = sum(receiver["kernel"].get("underlay", {}).values())
    assert refused <= missing <= 128 * refused


def _stillness(*nodes: Node) -> Callable[[], bool]:
    """A condition: no datagram was sent or received since the last look, and none waits in a socket."""
    before = list[str]()

    def still() -> bool:
        now = [node.run(["cat", "/proc/net/snmp", "/proc/net/udp"]).stdout for node in nodes]
        waiting = [line for text in now for line in text.splitlines() if _waits(line)]
        same = now == before and not waiting
        before[:] = now
        return same

    return still


def _waits(line: str) -> bool:
    """Whether a line of /proc/net/udp tells of a queue (``tx_queue:rx_queue`` in its fifth column)."""
    fields = line.split()
    return len(fields) > 10 and fields[4].count(":") == 1 and fields[4] != "00000000:00000000"


def counters(node: Node) -> dict[str, int]:
    """The kernel's protocol counters of a node: ``Tcp.InCsumErrors``, ``Ip6InHdrErrors`` ..."""
    found = dict[str, int]()
    lines = node.run(["cat", "/proc/net/snmp", "/proc/net/netstat"]).stdout.splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        protocol = names.split(":")[0]
        pairs = zip(names.split()[1:], values.split()[1:], strict=True)
        found |= {f"{protocol}.{name}": int(value) for name, value in pairs}
    for line in node.run(["cat", "/proc/net/snmp6"]).stdout.splitlines():
        name, value = line.split()
        found[name] = int(value)
    return found


def carried(source: Node, target: Node, address: str, size: int) -> None:
    """``size`` random bytes arrive over TCP as they were sent, by their SHA-256."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        target.socket(family, socket.SOCK_STREAM) as listener,
        source.socket(family, socket.SOCK_STREAM) as sender,
        ThreadPoolExecutor(1) as receiver,
    ):
        for sock in (listener, sender):
            sock.settimeout(PATIENCE_S)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, PORT))
        listener.listen(1)
        arrived = receiver.submit(_drain, listener)
        sender.connect((address, PORT))
        sent = _pour(sender, size)
        assert arrived.result() == (size, sent)


def _pour(sender: socket.socket, size: int) -> str:
    """Send and tell the hash; the last word is the receiver's, so that nothing is lost at the end."""
    digest, source = hashlib.sha256(), random.Random(size)
    while size:
        chunk = source.randbytes(min(size, CHUNK))
        digest.update(chunk)
        sender.sendall(chunk)
        size -= len(chunk)
    sender.shutdown(socket.SHUT_WR)
    assert sender.recv(1) == b""
    return digest.hexdigest()


def _drain(listener: socket.socket) -> tuple[int, str]:
    digest, size, room = hashlib.sha256(), 0, memoryview(bytearray(CHUNK))
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(PATIENCE_S)
        while got := connection.recv_into(room):
            digest.update(room[:got])
            size += got
    return size, digest.hexdigest()
