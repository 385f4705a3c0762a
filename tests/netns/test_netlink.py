"""Netlink: what is set is set, what is refused says why, links tell of their changes."""

from __future__ import annotations

import errno
import os
import socket
import threading
from ipaddress import ip_interface
from queue import Queue

import pytest
from pyroute2 import IPRoute

from tests.netns.alone import alone, another
from tunnel.errors import DeviceError
from tunnel.netlink import LinkEvent, Netlink, Route
from tunnel.netns import inside

EVENT_S = 5.0


@alone
def test_links_are_set_and_told() -> None:
    with Netlink() as netlink:
        netlink.set_link("va", up=False, mtu=1400, txqueuelen=77, gso_max_size=30000)
        link = netlink.link("va")
        assert (link.name, link.up, link.mtu, link.txqueuelen, link.kind) == ("va", False, 1400, 77, "veth")
        assert link.index == socket.if_nametoindex("va")
        netlink.set_link("va", up=True)
        assert netlink.link("va").up
    with IPRoute() as route:
        assert route.link("get", ifname="va")[0].get("gso_max_size") == 30000


@alone
def test_addresses_come_and_go() -> None:
    with Netlink() as netlink:
        for address in ("192.0.2.1/24", "2001:db8::1/64"):
            netlink.add_address("va", address)
            assert ip_interface(address) in netlink.addresses("va")
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("2001:db8::1", 0))  # at once: no duplicate address detection
        netlink.remove_address("va", "192.0.2.1/24")
        assert ip_interface("192.0.2.1/24") not in netlink.addresses("va")


@alone
def test_a_peer_address_is_not_ours() -> None:
    with IPRoute() as route, Netlink() as netlink:
        index = socket.if_nametoindex("va")
        route.addr("add", index=index, local="192.0.2.1", address="192.0.2.2", prefixlen=32)
        assert ip_interface("192.0.2.1/32") in netlink.addresses("va")


@alone
def test_routes_are_looked_up() -> None:
    with IPRoute() as route, Netlink() as netlink:
        netlink.add_address("va", "192.0.2.1/24")
        route.route("add", dst="198.51.100.0/24", gateway="192.0.2.9")
        index = socket.if_nametoindex("va")
        assert netlink.route("192.0.2.5") == Route(index, None, "192.0.2.1")
        assert netlink.route("198.51.100.1") == Route(index, "192.0.2.9", "192.0.2.1")
        with pytest.raises(DeviceError, match=r"route to 203\.0\.113\.1: Network is unreachable"):
            netlink.route("203.0.113.1")


@alone
def test_refusals_say_what_was_asked() -> None:
    with Netlink() as netlink:
        with pytest.raises(DeviceError, match="interface nowhere: No such device") as raised:
            netlink.link("nowhere")
        assert raised.value.errno == errno.ENODEV
        with pytest.raises(DeviceError, match="interface va: mtu 10: Invalid argument"):
            netlink.set_link("va", mtu=10)
        netlink.add_address("va", "192.0.2.1/24")
        with pytest.raises(DeviceError, match=r"address 192\.0\.2\.1/24: File exists; it is there already"):
            netlink.add_address("va", "192.0.2.1/24")


@alone
def test_changes_moves_and_ends_are_told_apart() -> None:
    events: Queue[LinkEvent] = Queue()

    def until(what: str, name: str) -> LinkEvent:
        while True:
            event = events.get(timeout=EVENT_S)
            if (event.what, event.link.name) == (what, name):
                return event

    elsewhere = another()
    with Netlink(on_link=events.put) as netlink, IPRoute() as route:
        netlink.set_link("va", mtu=1300)
        assert until("changed", "va").link.mtu == 1300
        route.link("set", index=socket.if_nametoindex("va"), net_ns_fd=elsewhere)
        until("moved", "va")
        route.link("del", ifname="vb")
        until("gone", "vb")
    os.close(elsewhere)


@alone
def test_another_namespace() -> None:
    elsewhere = another()
    with Netlink(elsewhere) as netlink, IPRoute() as route:
        route.link("set", index=socket.if_nametoindex("va"), net_ns_fd=elsewhere)
        netlink.set_link("va", up=True)
        netlink.add_address("va", "192.0.2.1/24")
        assert netlink.link("va").up
        assert "va" in inside(elsewhere, lambda: [name for _, name in socket.if_nameindex()])
        assert "va" not in [name for _, name in socket.if_nameindex()], "this thread did not move"
    os.close(elsewhere)


@alone
def test_threads_end() -> None:
    with pytest.raises(DeviceError, match="namespace /run/netns/nowhere: No such file"):
        Netlink("nowhere")
    netlink = Netlink()
    netlink.close()
    netlink.close()
    assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
