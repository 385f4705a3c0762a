"""Descriptors and programs of a node, used from outside of it."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tunnel.errors import LabError
from tunnel.lab import Lab, Node

ARRIVAL_MS = 5_000
VNET_HDR = 10  # bytes before a packet, include/uapi/linux/virtio_net.h
NO_DISCOVERY = "net.ipv6.conf.default.disable_ipv6"  # so that a TUN carries nothing but ours


@pytest.fixture
def a(lab: Lab) -> Node:
    return lab.node("a")


def next_packet(fd: int) -> bytes:
    """What the kernel sends into a TUN."""
    waiter = select.poll()
    waiter.register(fd, select.POLLIN)
    assert waiter.poll(ARRIVAL_MS), "nothing came"
    return os.read(fd, 65_536)


def send_into(node: Node, to: str) -> None:
    with node.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"into the tunnel", (to, 9))


@pytest.mark.parametrize("vnet_hdr", [False, True])
def test_a_tun_is_served_from_here(a: Node, vnet_hdr: bool) -> None:
    a.sysctl(NO_DISCOVERY, 1)
    fd = a.tun("tun0", vnet_hdr=vnet_hdr)
    a.address("tun0", "10.1.0.1/24")
    a.up("tun0")
    send_into(a, "10.1.0.2")
    packet = next_packet(fd)[VNET_HDR * vnet_hdr :]
    assert (packet[0], packet[16:20], packet[28:]) == (0x45, bytes([10, 1, 0, 2]), b"into the tunnel")
    assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK
    assert not os.get_inheritable(fd)
    os.close(fd)
    with pytest.raises(LabError) as raised:
        a.interface("tun0")
    assert raised.value.errno == errno.ENODEV


def test_a_tap_has_an_ethernet_address(a: Node) -> None:
    fd = a.tun("tap0", tap=True)
    found = a.interface("tap0")
    assert (found.kind, found.mac is None, found.mtu) == ("tun", False, 1500)
    os.close(fd)


def test_each_call_is_a_further_queue(a: Node) -> None:
    queues = [a.tun("tun0", multi_queue=True) for _ in range(3)]
    assert len(set(queues)) == 3
    with pytest.raises(LabError, match="node a, tun0: open"):
        a.tun("tun0")
    for fd in queues:
        os.close(fd)


def test_a_moved_tun_goes_on_working(lab: Lab, a: Node) -> None:
    b = lab.node("b")
    b.sysctl(NO_DISCOVERY, 1)
    fd = a.tun("tun0")
    a.move("tun0", b)
    b.address("tun0", "10.1.0.1/24")
    b.up("tun0")
    send_into(b, "10.1.0.2")
    assert next_packet(fd).endswith(b"into the tunnel")
    b.delete("tun0")
    with pytest.raises(OSError, match="bad state") as raised:
        os.read(fd, 1)
    assert raised.value.errno == errno.EBADFD
    os.close(fd)


def test_sockets_of_every_kind(a: Node) -> None:
    kinds = [
        (socket.AF_INET6, socket.SOCK_STREAM, 0),
        (socket.AF_PACKET, socket.SOCK_RAW, 0),
        (socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE),
    ]
    for family, kind, proto in kinds:
        with a.socket(family, kind, proto) as opened:
            assert (opened.family, opened.type, opened.proto) == (family, kind, proto)
            assert not opened.get_inheritable()


def test_the_namespace_by_descriptor_and_path(a: Node) -> None:
    inode = os.fstat(a.netns).st_ino
    assert os.stat(a.path).st_ino == inode
    assert a.run(["readlink", "/proc/self/ns/net"]).stdout == f"net:[{inode}]\n"


def test_a_program_with_pipes(a: Node, tmp_path: Path) -> None:
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    script = "read word; echo $word $NAME; pwd; echo problem >&2; exit 5"
    env = {"PATH": os.environ["PATH"], "NAME": "value"}
    with a.popen(["sh", "-c", script], cwd=tmp_path, env=env, text=True, **pipes) as process:
        out, err = process.communicate("word\n")
    assert (out, err, process.returncode) == (f"word value\n{tmp_path}\n", "problem\n", 5)


def test_a_program_inherits_only_what_it_is_given(a: Node) -> None:
    read, write = os.pipe()
    with a.popen(["ls", "/proc/self/fd"], stdout=subprocess.PIPE, text=True, pass_fds=[write]) as process:
        listed = {int(fd) for fd in process.communicate()[0].split()}
    os.close(read)
    os.close(write)
    assert {0, 1, 2, write} <= listed
    assert len(listed) == 5, "one more is the listing's own"


def test_a_program_is_root_of_the_node_and_run_is_the_node_s(lab: Lab, a: Node) -> None:
    b = lab.node("b")
    assert a.run(["id", "-u"]).stdout == "0\n"
    a.run(["sh", "-c", "mkdir /run/here; ip link add br7 type bridge"])
    assert a.run(["ls", "/run"]).stdout == "here\n"
    assert b.run(["ls", "/run"]).stdout == ""
    assert a.interface("br7").kind == "bridge"
    assert not Path("/run/here").exists()


def test_run_tells_how_a_program_ended(a: Node) -> None:
    assert a.run(["cat"], text_input="words").stdout == "words"
    assert a.run(["sh", "-c", "exit 3"], check=False).returncode == 3
    with pytest.raises(LabError, match=r"node a: sh -c .*: ended with 4: too bad"):
        a.run(["sh", "-c", "echo too bad >&2; exit 4"])
    with pytest.raises(LabError, match=r"not done after 0\.05 s"):
        a.run([sys.executable, "-c", "import signal; signal.pause()"], timeout_s=0.05)


def test_a_program_that_is_not_there(a: Node) -> None:
    with pytest.raises(LabError, match="node a: nonesuch is not installed"):
        a.popen(["nonesuch"])
    with pytest.raises(LabError, match="ended with 127: /nonexistent/program: No such file"):
        a.run(["/nonexistent/program"])
