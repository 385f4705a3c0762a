"""Two hosts on one cable, ``west`` and ``east``, with a WireGuard end each."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from tests.interop.ends import End, peer_section, started
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping

OUTER = {4: ("192.0.2.1", "192.0.2.2"), 6: ("2001:db8::1", "2001:db8::2")}
INNER = {4: ("10.8.0.1", "10.8.0.2"), 6: ("fd08::1", "fd08::2")}


def at(address: str, port: int) -> str:
    """An endpoint as ``wg`` writes it."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


@dataclass(frozen=True)
class Pair:
    """``west`` and ``east``; each is the other's only peer and may send from its inner addresses."""

    lab: Lab
    west: End
    east: End

    @property
    def ends(self) -> tuple[End, End]:
        """West, east."""
        return self.west, self.east

    def reset(self, *, family: int = 4, psk: str = "", keepalive: int = 0) -> None:
        """Sets both up from nothing: addressed over IPv4 or IPv6, without any session."""
        for number, (mine, other) in enumerate((self.ends, self.ends[::-1])):
            allowed = [f"{INNER[4][1 - number]}/32", f"{INNER[6][1 - number]}/128"]
            endpoint = at(OUTER[family][1 - number], other.port)
            mine.configure(peer_section(other, allowed, endpoint=endpoint, psk=psk, keepalive=keepalive))


def cabled(lab: Lab, mtu: int = 1500) -> tuple[Node, Node]:
    """Two nodes with ``eth0`` and an ``OUTER`` address of each family."""
    west, east = lab.node("west"), lab.node("east")
    lab.link((west, "eth0"), (east, "eth0"), mtu=mtu)
    for number, node in enumerate((west, east)):
        node.address("eth0", f"{OUTER[4][number]}/24", f"{OUTER[6][number]}/64")
        node.up("eth0")
    return west, east


@contextmanager
def a_pair(lab: Lab, programs: Sequence[str]) -> Iterator[Pair]:
    """Both ends running, addressed, up and acquainted; nothing has been sent."""
    with ExitStack() as stack:
        nodes = cabled(lab)
        ends = [
            stack.enter_context(started(lab, node, program, f"wg{number}", port=51820 + number))
            for number, (node, program) in enumerate(zip(nodes, programs, strict=True))
        ]
        made = Pair(lab, *ends)
        made.reset()
        for number, end in enumerate(ends):
            end.address(f"{INNER[4][number]}/24", f"{INNER[6][number]}/64")
        yield made


def answers(node: Node, *addresses: str) -> bool:
    """Whether each address answers one echo request within a second, in which a handshake must fit."""
    return all(len(ping(node, address, count=1, interval_s=0.001).rtts_s) == 1 for address in addresses)


def bound(node: Node, address: str, port: int, patience_s: float = 5.0) -> socket.socket:
    """A datagram socket of a node."""
    sock = node.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, port))
    sock.settimeout(patience_s)
    return sock


def capture(node: Node, interface: str) -> socket.socket:
    """All frames of an interface, both ways, from now on."""
    every = socket.htons(3)  # ETH_P_ALL
    sock = node.socket(socket.AF_PACKET, socket.SOCK_RAW, every)
    sock.bind((interface, 3))
    sock.settimeout(5.0)
    return sock


def payloads(sock: socket.socket, port: int, patience_s: float = 0.3) -> Iterator[tuple[bytes, bytes]]:
    """IPv4 header and UDP payload of every datagram to the port, until nothing comes for a while."""
    sock.settimeout(patience_s)
    while True:
        try:
            frame = sock.recv(65535)
        except TimeoutError:
            return
        header, datagram = frame[14:34], frame[34:]
        if frame[12:14] == b"\x08\x00" and header[9] == 17 and struct.unpack_from("!H", datagram, 2)[0] == port:
            yield header, datagram[8 : struct.unpack_from("!H", datagram, 4)[0]]
