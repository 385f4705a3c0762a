"""Udp's runs over a veth pair: a path that narrows, a source that goes, a queue that is full."""

from __future__ import annotations

import select
import socket
from functools import partial

from pyroute2 import IPRoute

from tests.netns.alone import alone
from tests.netns.apart import ARRIVES_S, apart, bound
from tests.unit.devices.udps import came, dropped, outgoing, received, send_run, udp
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.netlink import Netlink
from tunnel.netns import inside

IP_RECVERR = 11  # linux/in.h
SIZES = [1400] * 20 + [1000] * 20 + [1400] * 3 + [900] + [1401, 1400] + [5] * 30
OPTIONS = {"0.0.0.0": "0.0.0.0:0", "::": "[::]:0"}
PEERS = {"0.0.0.0": "192.0.2.2", "::": "2001:db8::2"}


@alone
def test_a_link_that_shrinks_costs_what_no_longer_fits() -> None:
    """Runs and singles alike, IPv4 and IPv6; when it widens again all arrive."""
    sent = [bytes([n]) * size for n, size in enumerate(SIZES)]
    large = {n: "TOO_BIG" for n, size in enumerate(SIZES) if size > 1232}
    for off in ("", "all"):
        for wildcard, listen in OPTIONS.items():
            with (
                Netlink() as netlink, apart(netlink) as elsewhere,
                udp(off, listen=listen, dont_fragment=True) as device,
                inside(elsewhere, partial(bound, wildcard)) as sock,
            ):  # fmt: skip
                for mtu, lost in ((1500, {}), (1280, large), (1500, {})):
                    netlink.set_link("va", mtu=mtu)
                    batch = outgoing(sent, (PEERS[wildcard], sock.getsockname()[1]))
                    assert device.send(batch) == len(sent)
                    assert dropped(batch) == lost
                    fit = [data for n, data in enumerate(sent) if n not in lost]
                    assert came(sock, len(fit)) == fit
                assert device.offloads()["gso"]["refused"] == 0
                assert device.offloads()["gso"]["on"] == (not off)
                assert (device.offloads()["gso"]["used"] > 0) == (not off)
            with IPRoute() as route:
                route.link("del", ifname="va")
                route.link("add", ifname="va", kind="veth", peer="vb")


@alone
def test_where_fragments_are_allowed_a_shrunken_link_costs_nothing() -> None:
    sent = [bytes([n]) * size for n, size in enumerate(SIZES)]
    with (
        Netlink() as netlink, apart(netlink) as elsewhere, udp("", listen="0.0.0.0:0") as device,
        inside(elsewhere, partial(bound, "0.0.0.0")) as sock,
    ):  # fmt: skip
        netlink.set_link("va", mtu=1280)
        batch = outgoing(sent, ("192.0.2.2", sock.getsockname()[1]))
        assert device.send(batch) == len(sent)
        assert dropped(batch) == {}
        assert sorted(came(sock, len(sent))) == sorted(sent)
        assert device.offloads()["gso"]["on"]


@alone
def test_a_run_whose_source_has_gone_chooses_anew() -> None:
    with Netlink() as netlink, apart(netlink) as elsewhere, udp("", listen="0.0.0.0:0") as device:
        netlink.add_address("va", "192.0.2.7/24")
        with inside(elsewhere, partial(bound, "0.0.0.0")) as sock:
            send_run(sock, b"aabbc", 2, ("192.0.2.7", device.address[1]))
            assert select.select([device.fd], [], [], ARRIVES_S)[0]
            batch = Batch()
            assert device.recv(batch) == 3
            batch.parse()
            netlink.remove_address("va", "192.0.2.7/24")
            assert device.send(batch) == 3
            assert [sock.recvfrom(10) for _ in range(3)] == [
                (data, ("192.0.2.1", device.address[1])) for data in (b"aa", b"bb", b"c")
            ]
            assert device.offloads()["gso"] == {"on": True, "used": 1, "refused": 0}


@alone
def test_a_full_queue_drops_and_does_not_spin() -> None:
    """A token bucket that takes little and passes nothing: ENOBUFS, which only IP_RECVERR makes visible."""
    with Netlink() as netlink, IPRoute() as route, apart(netlink):
        index, root = socket.if_nametoindex("va"), 0x10000
        route.neigh("add", dst="192.0.2.2", lladdr="02:00:00:00:00:02", ifindex=index)
        route.tc("add", "tbf", index, root, rate=1000, burst=2000, limit=3000)
        sock = bound("0.0.0.0")
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        with udp("", fd=sock.detach()) as device:
            batch = outgoing([bytes(1400)] * 64, ("192.0.2.2", 9))
            assert device.send(batch) == 64, "a little of it is taken, so that the run counts as sent"
            assert device.send(batch) == 64
            assert dropped(batch) == dict.fromkeys(range(64), "REFUSED")
            assert device.offloads()["gso"]["on"]


@alone
def test_a_firewall_refuses_a_run_whole() -> None:
    with Netlink() as netlink, IPRoute() as route, apart(netlink), udp("", listen="0.0.0.0:0") as device:
        route.route("add", dst="198.51.100.0/24", type="prohibit")
        batch = outgoing([b"x"] * 3, ("198.51.100.1", 9))
        assert device.send(batch) == 3
        assert [reasons.name(p.reason) for p in batch] == ["REFUSED"] * 3


@alone
def test_a_receive_buffer_overrun_is_counted_with_runs() -> None:
    """A run that found no room counts once, so that as many datagrams are missing as it had."""
    each, runs = 10, 2000
    with Netlink() as netlink, apart(netlink) as elsewhere:
        sock = bound("0.0.0.0")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        with udp("", fd=sock.detach()) as device, inside(elsewhere, partial(bound, "0.0.0.0")) as far:
            for _ in range(runs):
                send_run(far, bytes(1000 * each), 1000, ("192.0.2.1", device.address[1]))
            arrived = len(received(device))
            lost = device.kernel_drops()["rx"]
            assert 0 < arrived < runs * each
            assert arrived + lost * each == runs * each
