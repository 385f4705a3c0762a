"""Udp where it takes an interface of its own: sources, other namespaces, a blocked queue."""

from __future__ import annotations

import os
import select
import socket
from functools import partial

from pyroute2 import IPRoute

from tests.netns.alone import alone
from tests.netns.apart import ARRIVES_S, apart, bound
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.devices.udp import Udp
from tunnel.netlink import Netlink
from tunnel.netns import inside

DATAGRAM = 3
FAMILIES = {"0.0.0.0": ("192.0.2.1", "192.0.2.7", "24"), "::": ("2001:db8::1", "2001:db8::7", "64")}


def received(device: Udp) -> Batch:
    """What comes first, parsed."""
    assert select.select([device.fd], [], [], ARRIVES_S)[0], "nothing came"
    batch = Batch()
    device.recv(batch)
    batch.parse()
    return batch


@alone
def test_a_source_that_has_gone_is_chosen_anew() -> None:
    with Netlink() as netlink, apart(netlink) as elsewhere:
        for wildcard, (ours, extra, prefix) in FAMILIES.items():
            netlink.add_address("va", f"{extra}/{prefix}")
            listen = f"[{wildcard}]:0" if ":" in wildcard else f"{wildcard}:0"
            with Udp(listen=listen) as device, inside(elsewhere, partial(bound, wildcard)) as sock:
                sock.sendto(b"x", (extra, device.address[1]))
                batch = received(device)
                assert device.send(batch) == 1
                assert sock.recvfrom(10)[1][0] == extra, "from where it was asked"
                netlink.remove_address("va", f"{extra}/{prefix}")
                assert device.send(batch) == 1
                assert batch[0].reason == 0
                assert sock.recvfrom(10)[1][0] == ours


@alone
def test_opens_in_another_namespace() -> None:
    listen = "192.0.2.2:4000"
    with Netlink() as netlink, apart(netlink) as elsewhere, Udp(listen=listen, netns=elsewhere) as device:
        with bound("192.0.2.1") as sock:
            sock.sendto(b"hello", ("192.0.2.2", 4000))
        assert [p.data for p in received(device)] == [b"hello"]


@alone
def test_what_does_not_fit_is_too_big_and_where_nothing_leads_no_route() -> None:
    with Netlink() as netlink, apart(netlink), Udp(listen="0.0.0.0:0", dont_fragment=True) as device:
        batch = Batch()
        batch.emit(bytes(1473), medium=DATAGRAM, endpoint=("192.0.2.2", 9))
        batch.emit(b"x", medium=DATAGRAM, endpoint=("203.0.113.1", 9))
        batch.emit(bytes(1472), medium=DATAGRAM, endpoint=("192.0.2.2", 9))
        assert device.send(batch) == 3
        assert [reasons.name(p.reason) for p in batch] == ["TOO_BIG", "NO_ROUTE", "UNCLAIMED"]


@alone
def test_would_block_keeps_the_tail() -> None:
    """A token bucket that lets nothing through holds datagrams until the send buffer is full."""
    with Netlink() as netlink, IPRoute() as route, apart(netlink):
        route.neigh("add", dst="192.0.2.2", lladdr="02:00:00:00:00:02", ifindex=socket.if_nametoindex("va"))
        index, root = socket.if_nametoindex("va"), 0x10000
        route.tc("add", "tbf", index, root, rate=1000, burst=2000, limit=1 << 28)
        with Udp(listen="0.0.0.0:0") as device:
            for _ in range(1000):
                batch = Batch()
                for _ in range(64):
                    batch.emit(bytes(1400), medium=DATAGRAM, endpoint=("192.0.2.2", 9))
                done = device.send(batch)
                if done < 64:
                    break
            assert 0 <= done < 64
            assert [p.reason for p in batch] == [0] * 64, "blocked, not refused"
            assert device.send(batch) == 0


@alone
def test_a_firewall_refuses_one() -> None:
    with Netlink() as netlink, IPRoute() as route, apart(netlink):
        route.route("add", dst="198.51.100.0/24", type="prohibit")
        with Udp(listen="0.0.0.0:0") as device:
            batch = Batch()
            batch.emit(b"x", medium=DATAGRAM, endpoint=("198.51.100.1", 9))
            assert device.send(batch) == 1
            assert reasons.name(batch[0].reason) == "REFUSED"


@alone
def test_marks_are_set_where_allowed() -> None:
    with Udp(listen="0.0.0.0:0", mark=7) as device, socket.socket(fileno=os.dup(device.fd)) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_MARK) == 7
