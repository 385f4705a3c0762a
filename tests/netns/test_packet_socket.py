"""PacketSocket on one end of a veth pair, a plain packet socket on the other."""

from __future__ import annotations

import select
import socket
import struct
from pathlib import Path

import pytest
from pyroute2 import IPRoute

from tests.netns.alone import alone
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.devices.packet_socket import PacketSocket
from tunnel.errors import DeviceClosed, DeviceError
from tunnel.netlink import Netlink

MACS = b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02"
OURS = b"\x88\xb5"  # an EtherType for local experiments: nothing of the kernel's own has it
ARRIVES_MS = 5000
SOL_PACKET, PACKET_VNET_HDR = 263, 15


def peer(interface: str = "vb", *, vnet: bool = False) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    if vnet:
        sock.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    sock.bind((interface, 3))
    sock.settimeout(ARRIVES_MS / 1000)
    return sock


def silence(*interfaces: str) -> None:
    """No IPv6: no frames but ours."""
    for interface in interfaces:
        Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6").write_text("1")


def receive(device: PacketSocket) -> Batch:
    """What has come, parsed; there is something."""
    assert select.select([device.fd], [], [], ARRIVES_MS / 1000)[0], "nothing came"
    batch = Batch()
    device.recv(batch)
    batch.parse()
    return batch


def udp_frame(tag: bytes = b"") -> bytes:
    """A UDP datagram over IPv4; the checksum field holds the sum of the pseudo-header."""
    payload = b"payload!"
    size = 8 + len(payload)
    addresses = bytes([10, 0, 0, 1, 10, 0, 0, 2])
    total = sum(struct.unpack(">4H", addresses)) + 17 + size
    pseudo = (total & 0xFFFF) + (total >> 16)
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0, 64, 17, 0) + addresses
    return MACS + tag + b"\x08\x00" + ip + struct.pack(">HHHH", 1000, 2000, size, pseudo) + payload


@alone
def test_tags_are_where_they_were_on_the_wire() -> None:
    silence("va", "vb")
    frames = [
        MACS + tag + OURS + bytes(50)
        for tag in (b"", b"\x81\x00\x20\x05", b"\x88\xa8\x00\x07", b"\x88\xa8\x00\x07\x81\x00\x00\x09")
    ]
    with PacketSocket(interface="va") as device, peer() as sock:
        for frame in frames:
            sock.send(frame)
        batch = receive(device)
        assert [p.data for p in batch] == frames
        assert [p.vlan for p in batch] == [None, 5, 7, 7]
        assert device.send(batch) == 4
        assert [p.reason for p in batch] == [0] * 4


@alone
def test_an_unfinished_checksum_is_marked_also_behind_a_tag() -> None:
    silence("va", "vb")
    with PacketSocket(interface="va") as device, peer(vnet=True) as sock:
        for tag in (b"", b"\x81\x00\x00\x05"):
            start = 14 + len(tag) + 20
            sock.send(struct.pack("=BBHHHH", 1, 0, 0, 0, start, 6) + udp_frame(tag))
        batch = receive(device)
        assert [p.needs_csum for p in batch] == [True, True]
        assert [p.reason for p in batch] == [0, 0], "the parser finds it at the L4 header"
        assert [p.data for p in batch] == [udp_frame(), udp_frame(b"\x81\x00\x00\x05")]
        assert device.send(batch) == 2
        assert [p.reason for p in batch] == [0, 0]


@alone
def test_own_sends_do_not_come_back() -> None:
    silence("va", "vb")
    with PacketSocket(interface="va") as device, peer() as sock, peer("va") as neighbour:
        batch = Batch.of([MACS + OURS + b"sent"])
        assert device.send(batch) == 1
        neighbour.send(MACS + OURS + b"by somebody else here")
        assert sock.recv(100).endswith(b"sent")
        assert device.recv(Batch()) == 0


@alone
def test_what_the_kernel_drops_is_counted() -> None:
    silence("va", "vb")
    with PacketSocket(interface="va") as device, peer() as sock:
        for _ in range(20000):
            sock.send(MACS + OURS + bytes(1400))
        came = 0
        while device.recv(batch := Batch()):
            came += len(batch)
        assert 0 < came < 20000
        assert device.kernel_drops() == {"rx": 20000 - came}
        assert device.kernel_drops() == {"rx": 20000 - came}, "asking does not reset it"
    assert device.kernel_drops() == {"rx": 20000 - came}


@alone
def test_used_interfaces_are_refused() -> None:
    with Netlink() as netlink:
        for address in ("192.0.2.1/24", "2001:db8::1/64"):
            netlink.add_address("va", address)
            with pytest.raises(DeviceError, match=f"interface va has {address}: .*ip address flush dev va"):
                PacketSocket(interface="va").open()
            netlink.remove_address("va", address)
    with pytest.raises(DeviceError, match="interface nowhere: No such device"):
        PacketSocket(interface="nowhere").open()


@alone
def test_the_link_local_address_goes_and_comes_back() -> None:
    with Netlink() as netlink:
        before = netlink.addresses("va")
        assert [address.is_link_local for address in before] == [True]
        with PacketSocket(interface="va"):
            assert netlink.addresses("va") == []
        assert netlink.addresses("va") == before


@alone
def test_promiscuous_until_closed() -> None:
    def promiscuity() -> int:
        with IPRoute() as route:
            return int(route.link("get", ifname="va")[0].get("promiscuity"))

    with PacketSocket(interface="va"):
        assert promiscuity() == 1
    assert promiscuity() == 0
    with PacketSocket(interface="va", promiscuous=False):
        assert promiscuity() == 0


@alone
def test_down_is_not_gone() -> None:
    silence("va", "vb")
    with PacketSocket(interface="va") as device, Netlink() as netlink, peer() as sock:
        netlink.set_link("va", up=False)
        assert device.recv(Batch()) == 0
        batch = Batch.of([MACS + OURS + bytes(50)])
        assert device.send(batch) == 1
        assert reasons.name(batch[0].reason) == "LINK_DOWN"
        netlink.set_link("va", up=True)
        for _ in range(500):  # the peer's queue discards until it has noticed the carrier
            sock.send(MACS + OURS + b"again")
            if select.select([device.fd], [], [], 0.01)[0]:
                break
        assert {p.data for p in receive(device)} == {MACS + OURS + b"again"}


@alone
def test_a_large_frame_costs_itself() -> None:
    with PacketSocket(interface="va") as device, peer() as sock:
        batch = Batch.of([MACS + OURS + bytes(5000), MACS + OURS + b"small"])
        assert device.send(batch) == 2
        assert [reasons.name(p.reason) for p in batch] == ["TOO_BIG", "UNCLAIMED"]
        while not sock.recv(100).endswith(b"small"):
            pass


@alone
def test_deleted_is_gone() -> None:
    with PacketSocket(interface="va") as device:
        with IPRoute() as route:
            route.link("del", ifname="vb")
        with pytest.raises(DeviceClosed, match="interface va: gone"):
            device.recv(Batch())
        with pytest.raises(DeviceClosed):
            device.send(Batch.of([MACS + OURS + bytes(50)]))


@alone
def test_deleted_while_down_is_gone_too() -> None:
    with PacketSocket(interface="va") as device, Netlink() as netlink:
        netlink.set_link("va", up=False)
        assert device.recv(Batch()) == 0
        with IPRoute() as route:
            route.link("del", ifname="vb")
        with pytest.raises(DeviceClosed, match="interface va: gone"):
            device.recv(Batch())


@alone
def test_opened_and_closed_again() -> None:
    silence("va", "vb")
    device = PacketSocket(interface="va")
    for _ in range(2):
        with device, peer() as sock:
            sock.send(MACS + OURS + bytes(50))
            assert len(receive(device)) == 1
        with pytest.raises(DeviceClosed):
            device.recv(Batch())
