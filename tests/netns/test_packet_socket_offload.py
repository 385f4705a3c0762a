"""Two PacketSockets joined: super-packets pass whole between two hosts' own TCP and UDP."""

from __future__ import annotations

import json
import socket
import struct
from threading import Thread

import pytest

from tests.netns.test_packet_socket_guard import program
from tunnel.lab import Lab, Node

SIZE = 8 << 20
ANSWER_S = 20.0
SOL_UDP, UDP_SEGMENT = 17, 103
FAMILIES = pytest.mark.parametrize(
    ("family", "right"),
    [(socket.AF_INET, "10.0.0.2"), (socket.AF_INET6, "fd00::2")],
    ids=["ipv4", "ipv6"],
)


def hosts(lab: Lab) -> tuple[Node, Node, Node]:
    """Two hosts of one network, and what lies between them."""
    left, middle, right = lab.node("left"), lab.node("middle"), lab.node("right")
    lab.link((left, "eth0"), (middle, "va"))
    lab.link((middle, "vb"), (right, "eth0"))
    middle.up("va", "vb")
    for number, host in enumerate((left, right), 1):
        host.address("eth0", f"10.0.0.{number}/24", f"fd00::{number}/64")
        host.up("eth0")
    return left, middle, right


def exact(sock: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size and (got := sock.recv(1 << 16)):
        data += got
    return bytes(data)


@FAMILIES
def test_tcp_passes_in_super_packets(lab: Lab, family: int, right: str) -> None:
    a, middle, b = hosts(lab)
    content = bytes(range(256)) * (SIZE // 256)
    with program(middle, "join", "va", "vb") as join:
        with b.socket(family, socket.SOCK_STREAM) as server, a.socket(family, socket.SOCK_STREAM) as client:
            server.bind((right, 5000))
            server.listen()
            client.settimeout(ANSWER_S)
            client.connect((right, 5000))
            sender = Thread(target=client.sendall, args=(content,))
            sender.start()
            there, _ = server.accept()
            there.settimeout(ANSWER_S)
            with there:
                assert exact(there, SIZE) == content
            sender.join()
        out, _ = join.communicate()
    counts = json.loads(out)
    assert counts["super"] > 50
    assert counts["packets"] < SIZE // 1448, "as single segments it would have been more"
    assert counts["dropped"] == 0


@FAMILIES
def test_udp_segmentation_passes_whole(lab: Lab, family: int, right: str) -> None:
    a, middle, b = hosts(lab)
    with program(middle, "join", "va", "vb") as join:
        with b.socket(family, socket.SOCK_DGRAM) as server, a.socket(family, socket.SOCK_DGRAM) as client:
            server.bind((right, 5000))
            server.settimeout(ANSWER_S)
            client.sendto(b"the neighbour is known now", (right, 5000))
            assert server.recv(100)
            client.sendmsg([bytes(3000)], [(SOL_UDP, UDP_SEGMENT, struct.pack("H", 1200))], 0, (right, 5000))
            assert [len(server.recv(2000)) for _ in range(3)] == [1200, 1200, 600]
        out, _ = join.communicate()
    counts = json.loads(out)
    assert (counts["super"], counts["dropped"]) == (1, 0)
