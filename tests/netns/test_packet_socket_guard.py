"""The near kernel stays out of what a PacketSocket receives, and would not without the guard."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tunnel.lab import Lab, Node

QUIET_MS = 300  # an answer of the near kernel takes microseconds
ANSWER_S = 5.0


def said(process: subprocess.Popen[str]) -> str:
    """The next line of a program's output."""
    assert process.stdout is not None
    return process.stdout.readline()


@contextmanager
def program(node: Node, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """``packet_program`` in a node; it is open, and ends with the block."""
    command = [sys.executable, "-m", "tests.netns.packet_program", *arguments]
    with node.popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert said(process) == "open\n"
        yield process


def street(lab: Lab) -> Node:
    """host -- near -- far; near forwards, and has no address towards host, only the routes."""
    host, near, far = lab.node("host"), lab.node("near"), lab.node("far")
    lab.link((host, "eth0"), (near, "va"))
    lab.link((near, "eth1"), (far, "eth0"))
    for node, interface in ((host, "eth0"), (near, "va"), (near, "eth1"), (far, "eth0")):
        node.up(interface)
    host.address("eth0", "10.1.0.2/24")
    near.address("eth1", "10.2.0.1/24")
    far.address("eth0", "10.2.0.2/24")
    near.sysctl("net.ipv4.ip_forward", 1)
    near.sysctl("net.ipv4.conf.all.rp_filter", 0)
    near.route("10.1.0.0/24", interface="va")
    far.route("default", via="10.2.0.1")
    host.route("default", via="10.1.0.1")
    host.neighbour("eth0", "10.1.0.1", near.interface("va").mac or "")
    near.neighbour("va", "10.1.0.2", host.interface("eth0").mac or "")
    return host


@pytest.mark.parametrize("target", ["10.2.0.2", "10.2.0.1"], ids=["far host", "near's other address"])
def test_a_syn_gets_no_reset(lab: Lab, target: str) -> None:
    host = street(lab)
    with program(lab.nodes["near"], "watch", "va") as watch, host.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.setblocking(False)
        sock.connect_ex((target, 4321))
        assert said(watch) == "4321\n", "the device sees it"
        poll = select.poll()
        poll.register(sock, select.POLLIN | select.POLLOUT)
        assert poll.poll(QUIET_MS) == [], "and nobody answers"


@pytest.mark.parametrize("target", ["10.2.0.2", "10.2.0.1"], ids=["far host", "near's other address"])
def test_without_the_guard_it_gets_one(lab: Lab, target: str) -> None:
    host = street(lab)
    with program(lab.nodes["near"], "watch", "va", "unguarded") as watch:
        with host.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.settimeout(ANSWER_S)
            with pytest.raises(ConnectionRefusedError):
                sock.connect((target, 4321))
        assert said(watch) == "4321\n"


def test_the_guard_goes_with_its_process(lab: Lab) -> None:
    host = street(lab)
    with program(lab.nodes["near"], "watch", "va") as watch:
        watch.kill()
    with host.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.settimeout(ANSWER_S)
        with pytest.raises(ConnectionRefusedError):
            sock.connect(("10.2.0.2", 4321))
