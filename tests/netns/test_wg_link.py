"""The link of the interface: the socket comes and goes with it, its MTU is followed, wherever it is."""

from __future__ import annotations

import socket

from tests.netns.engines import until
from tests.netns.wg_programs import Host, host
from tunnel.lab import Lab

__all__ = ["host"]


def test_the_socket_comes_and_goes_and_keeps_its_port(host: Host):
    host.run("tunnel-wg", "wg0")
    assert host.ports() == set()
    host.node.up("wg0")
    until(lambda: len(host.ports()) == 1)
    (port,) = host.ports()
    assert host.ask("get=1\n\n") == f"listen_port={port}\nerrno=0\n\n"
    host.node.down("wg0")
    until(lambda: host.ports() == set())
    assert host.ask("get=1\n\n") == f"listen_port={port}\nerrno=0\n\n"
    host.node.up("wg0")
    until(lambda: host.ports() == {port})


def test_the_port_is_changed_up_and_down(host: Host):
    host.run("tunnel-wg", "wg0")
    assert host.ask("set=1\nlisten_port=443\n\n") == "errno=0\n\n"
    host.node.up("wg0")
    until(lambda: host.ports() == {443})
    for port in (444, 51820, 51820, 53):
        assert host.ask(f"set=1\nlisten_port={port}\n\n") == "errno=0\n\n"
        assert host.ports() == {port}
    assert host.ask("set=1\nlisten_port=0\n\n") == "errno=0\n\n"
    (chosen,) = host.ports()
    assert chosen not in {0, 53} and host.ask("get=1\n\n") == f"listen_port={chosen}\nerrno=0\n\n"


def test_a_port_that_is_taken_changes_nothing(host: Host):
    host.run("tunnel-wg", "wg0")
    with host.node.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 5000))
        host.ask("set=1\nlisten_port=4000\n\n")
        host.node.up("wg0")
        until(lambda: host.ports() == {4000})
        assert host.ask("set=1\nfwmark=5\nlisten_port=5000\nfwmark=6\n\n") == "errno=-98\n\n"
        assert host.ports() == {4000}
        assert host.ask("get=1\n\n") == "listen_port=4000\nfwmark=5\nerrno=0\n\n"


def test_a_port_that_is_taken_when_the_link_comes_up_is_awaited(host: Host):
    process = host.foreground()
    with host.node.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 5000))
        host.ask("set=1\nlisten_port=5000\n\n")
        host.node.up("wg0")
        process.says("port 5000 cannot be had: udp [::]:5000: Address already in use")
    process.says("link up, port 5000")
    assert host.ports() == {5000}


def test_a_mark_is_set_on_the_open_socket_and_on_the_next(host: Host):
    host.run("tunnel-wg", "wg0")
    host.node.up("wg0")
    for mark in (51820, 4294967295, 0):
        assert host.ask(f"set=1\nfwmark={mark}\n\n") == "errno=0\n\n"
        assert host.ask("get=1\n\n").count(f"fwmark={mark}\n") == bool(mark)
    assert len(host.ports()) == 1


def test_the_mtu_is_followed(host: Host):
    process = host.foreground()
    host.node.set("wg0", mtu=1300)
    process.says("MTU 1300")
    host.node.set("wg0", mtu=9000)
    assert process.says("MTU 9000").startswith("INFO: (wg0) ")


def test_in_another_namespace_it_is_followed_too_and_the_socket_stays(host: Host, lab: Lab):
    other = lab.node("other")
    process = host.foreground()
    host.node.move("wg0", other)
    other.up("wg0")
    process.says("link up")
    assert len(host.ports()) == 1
    assert "\n" not in other.run(["cat", "/proc/net/udp6"]).stdout.strip()
    other.set("wg0", mtu=1300)
    process.says("MTU 1300")
    other.down("wg0")
    process.says("link down")
    assert host.ports() == set()
    other.up("wg0")
    process.says("link up")
    other.delete("wg0")
    assert process.ended() == (0, "")


def test_down_and_up_at_once_is_seen(host: Host):
    process = host.foreground()
    host.node.up("wg0")
    process.says("link up")
    host.run("ip", "-batch", "-", text="link set wg0 down\nlink set wg0 up\n")
    process.says("link down")
    process.says("link up")
    assert process.process.poll() is None


def test_without_ipv6_there_is_ipv4(host: Host):
    host.node.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
    host.run("tunnel-wg", "wg0")
    host.node.up("wg0")
    until(lambda: len(host.ports()) == 1)
    (port,) = host.ports()
    with host.node.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        host.node.up("lo")
        sock.connect(("127.0.0.1", port))
        sock.send(b"x")
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0  # by now ICMP would have said ECONNREFUSED
