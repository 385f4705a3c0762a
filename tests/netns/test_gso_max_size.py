"""Super-packets are as large as one send of a tunnel takes: what the kernel is told, and what it then hands over."""

from __future__ import annotations

import socket
import struct
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.netns.alone import alone, another
from tests.netns.engines import Here, running
from tests.netns.test_tuntap_traffic import talk
from tunnel.devices.link import set_link
from tunnel.devices.tuntap import Tap, Tun
from tunnel.errors import ConfigError, DeviceError
from tunnel.netns import inside

pytestmark = pytest.mark.usefixtures("all_on")

SEND = 65507
RTM_GETLINK = 18
TRANSFER = 16 << 20


def limits(name: str) -> tuple[int, int]:
    """gso_max_size and gso_ipv4_max_size (IFLA_ 41 and 63), for which pyroute2 has no name."""
    request = struct.pack("=IHHIIBxHiII", 32, RTM_GETLINK, 1, 1, 0, 0, 0, socket.if_nametoindex(name), 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        netlink.send(request)
        answer = netlink.recv(1 << 16)
    found, at = {}, 32
    while at < len(answer):
        size, kind = struct.unpack_from("=HH", answer, at)
        found[kind] = answer[at + 4 : at + size]
        at += size + 3 & ~3
    return int.from_bytes(found[41], sys.byteorder), int.from_bytes(found[63], sys.byteorder)


@alone
def test_unless_told_it_is_the_kernels() -> None:
    with Tun("t0"), Tap("t1"):
        assert limits("t0") == limits("t1") == (65536, 65536)


@alone
def test_an_option_is_for_both_families_and_wins() -> None:
    device = Tun("t0", gso_max_size=30_000)
    device.leads_to(SEND, 0)
    with device:
        assert limits("t0") == (30_000, 30_000)


@alone
def test_it_goes_by_the_mtu_and_the_overhead() -> None:
    for kind, options, overhead, expected in (
        (Tun, {"mtu": 1420}, 0, (46 * 1360 + 321, 46 * 1380 + 321)),
        (Tun, {"mtu": 1420}, 32, (45 * 1360 + 321, 45 * 1380 + 321)),
        (Tun, {}, 0, (43 * 1440 + 321, 43 * 1460 + 321)),
        (Tap, {"mtu": 1420}, 0, (65536, 65536)),  # the port of a bridge, maybe
        (Tun, {"mtu": 34736}, 0, (34676 + 321, 34696 + 321)),
        (Tun, {"mtu": 65535}, 0, (65536, 65536)),
    ):
        device = kind("t0", **options)
        device.leads_to(SEND, overhead)
        with device:
            assert limits("t0") == expected, (kind, options, overhead)


@alone
def test_without_super_packets_nothing_is_set() -> None:
    device = Tun("t0", offload=False)
    device.leads_to(SEND, 0)
    with device:
        assert limits("t0") == (65536, 65536)


@alone
def test_out_of_range() -> None:
    for wrong in (999, 65537):
        with pytest.raises(ConfigError, match="gso_max_size"):
            Tun("t0", gso_max_size=wrong)
    with Tun("t0"), pytest.raises(DeviceError, match="interface t0: gso_max_size 100: "):
        set_link("t0", gso=(100, 100))


def most_segments(mtu: int, overhead: int, version: int) -> int:
    """Segments of the largest super-packet that TCP hands over."""
    there = another()
    left = Tun("t0", address=["10.7.0.1/24", "fd07::1/64"], mtu=mtu)
    left.leads_to(SEND, overhead)
    with left, Tun("t1", netns=there, address=["10.7.0.2/24", "fd07::2/64"], mtu=mtu) as right:
        seen = talk(left, right, there, "fd07::2" if version == 6 else "10.7.0.2", TRANSFER)
    headers = 72 if version == 6 else 52  # with timestamps
    assert all(size + (segments - 1) * headers + segments * overhead <= SEND for size, segments in seen)
    return max(segments for _, segments in seen)


@alone
def test_what_the_kernel_hands_over_fits_one_send() -> None:
    for mtu, overhead, version in ((1420, 0, 4), (1420, 0, 6), (1420, 32, 4), (1420, 32, 6), (1500, 0, 4)):
        assert most_segments(mtu, overhead, version) == SEND // (mtu + overhead), (mtu, overhead, version)


@alone
def test_where_one_packet_fills_a_send_none_is_super() -> None:
    assert most_segments(34736, 0, 4) == 1
    assert most_segments(34736, 0, 6) == 1


@alone
def test_a_udp_tunnel_sets_it() -> None:
    udp = ("--listen", "127.0.0.1:9000", "--peer", "127.0.0.1:9001")
    with running(Here(), "udp", "t0", "--mtu", "1420", *udp) as engine:
        assert limits("t0") == (46 * 1360 + 321, 46 * 1380 + 321)
        engine.stop()
    with running(Here(), "udp", "t0", "--tap", "--mtu", "1420", *udp) as engine:
        assert limits("t0") == (65536, 65536)
        engine.stop()


@alone
def test_a_router_keeps_the_kernels() -> None:
    """What it forwards is as large as hosts make it: cut by the kernel it would come in single packets."""
    there = another()
    for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        for forwards, expected in (("1", 65536), ("0", 46 * 1360 + 321)):
            inside(there, partial(Path("/proc/sys/net", name).write_text, forwards))
            device = Tun("t0", mtu=1420, netns=there)
            device.leads_to(SEND, 0)
            with device:
                assert inside(there, lambda: limits("t0"))[0] == expected, (name, forwards)


@alone
def test_a_wire_leaves_it_alone() -> None:
    with running(Here(), "wire", "ta", "tb") as engine:
        assert limits("ta") == limits("tb") == (65536, 65536)
        engine.stop()
