"""Each offload of TUN, TAP and packet sockets: switched off, refused by the kernel, counted."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.netns.alone import alone
from tests.netns.engines import Here, running
from tests.netns.test_tuntap import made_elsewhere
from tests.netns.test_tuntap_traffic import joined
from tests.netns.tuns import received, silence_all, speak, tun
from tests.unit.packets import MACS, checksum, datagram
from tests.unit.rig import Rig
from tunnel import offloads, reasons
from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.devices import tun_ioctl
from tunnel.devices.packet_socket import PacketSocket
from tunnel.devices.tuntap import Tap, Tun, TunTap
from tunnel.errors import ConfigError
from tunnel.handlers.wire import Wire
from tunnel.offload.fit import declare, fit
from tunnel.packet import ETHERNET, F_ALL, F_CSUM, IP

pytestmark = pytest.mark.usefixtures("all_on")

TSO, USO = 0x06, 0x60
UDP_L4, TCPV4 = 5, 1
KERNEL_SEGMENTS = 128  # of one UDP super-packet (UDP_MAX_SEGMENTS): it refuses more, though nothing lies


@contextmanager
def switched_off(names: str) -> Iterator[None]:
    before = os.environ.get(offloads.VARIABLE, "")
    os.environ[offloads.VARIABLE] = names
    yield
    os.environ[offloads.VARIABLE] = before


def row(device: Device, name: str) -> tuple[bool, int, int]:
    found = device.offloads()[name]
    return bool(found["on"]), found["used"], found["refused"]


def add_uso(batch: Batch, segments: int, medium: int, **lies: int) -> None:
    """A UDP super-packet of 10-byte datagrams."""
    data = (MACS + b"\x08\x00" if medium == ETHERNET else b"") + datagram(9, bytes(10 * segments))
    batch.emit(data, medium=medium)
    batch.parse()
    told = {"gso_type": UDP_L4, "gso_size": 10, "csum_start": len(data) - 10 * segments - 8, "csum_offset": 6}
    declare(batch[len(batch) - 1], **told | lies)


def tagged_tcp() -> Batch:
    """A TCP super-packet with a VLAN tag and a whole checksum: true, yet packet sockets refuse it."""
    data = struct.pack("!HHIIBBHHH", 1, 9, 0, 0, 5 << 4, 0x10, 1000, 0, 0) + bytes(60)
    ends = bytes([10, 0, 0, 1, 10, 0, 0, 2])
    total = checksum(ends + struct.pack("!HH", 6, len(data)) + data)
    data = data[:16] + struct.pack("!H", total) + data[18:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), 1, 0, 64, 6, 0) + ends
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    batch = Batch.of([MACS + b"\x81\x00\x00\x05\x08\x00" + head + data])
    declare(batch[0], gso_type=TCPV4, gso_size=20, needs_csum=False)
    return batch


@alone
def test_what_each_switch_leaves() -> None:
    for off, left in (
        ("", F_ALL), ("tso", F_CSUM | USO), ("uso", F_CSUM | TSO), ("tso,uso", F_CSUM), ("vnet", 0), ("all", 0),
    ):  # fmt: skip
        for kind in (Tun, Tap):
            with switched_off(off), kind("t0") as device:
                assert (device.brings, device.accepts) == (left, left), (kind, off)
                on = [name for name in ("vnet", "tso", "uso") if row(device, name)[0]]
                assert on == [name for name, bit in (("vnet", 1), ("tso", TSO), ("uso", USO)) if left & bit]
        with switched_off(off), PacketSocket(interface="va") as sock:
            assert (sock.brings, sock.accepts) == (F_ALL, left), off


@alone
def test_the_option_switches_off_too() -> None:
    with switched_off(""), Tun("t0", offload=False) as device:
        assert [row(device, name) for name in ("vnet", "tso", "uso")] == [(False, 0, 0)] * 3


@alone
def test_a_wrong_switch_is_told_before_anything_is_made() -> None:
    for device in (Tun("t0"), PacketSocket(interface="va")):
        with switched_off("tzo"), pytest.raises(ConfigError, match="TUNNEL_NO_OFFLOAD: tzo"):
            device.open()
        assert device.fd == -1
    assert "t0" not in {name for _, name in socket.if_nameindex()}


@alone
def test_a_kernel_without_the_header() -> None:
    found = tun_ioctl.features
    tun_ioctl.features = lambda fd: found(fd) & ~tun_ioctl.IFF_VNET_HDR
    with switched_off(""), tun() as device:
        assert (device.brings, device.accepts) == (0, 0)
        assert row(device, "vnet") == (False, 0, 1)
        speak()
        assert received(device, 1)[0][-4:] == bytes(4)
    tun_ioctl.features = found


@alone
def test_a_kernel_without_uso() -> None:
    every = tun_ioctl.OFFLOADS
    tun_ioctl.OFFLOADS = tuple(mask for mask in every if not mask & USO)
    with switched_off(""), Tun("t0") as device:
        assert (device.brings, device.accepts) == (F_CSUM | TSO, F_CSUM | TSO)
        assert (row(device, "uso"), row(device, "tso")[0]) == ((False, 0, 1), True)
    tun_ioctl.OFFLOADS = every


@alone
def test_an_inherited_header_with_the_switch_off() -> None:
    with switched_off("vnet"), Tun(fd=made_elsewhere(tun_ioctl.IFF_TUN | tun_ioctl.IFF_VNET_HDR)) as device:
        assert (device.brings, device.accepts) == (0, 0)
        assert not row(device, "vnet")[0]
        assert device.send(Batch.of([datagram()], medium=IP)) == 1, "the header is there all the same"


@alone
def test_tcp_without_tso() -> None:
    with switched_off("tso"):
        assert {segments for _, segments in joined()} == {1}


@alone
def test_what_passes_is_counted() -> None:
    silence_all()
    with switched_off(""), tun() as device:
        batch = Batch()
        add_uso(batch, 3, IP)
        add_uso(batch, 1, IP)
        batch.emit(datagram(), medium=IP)
        assert device.send(batch) == 3
        assert (row(device, "vnet"), row(device, "uso"), row(device, "tso")) == (
            (True, 2, 0), (True, 2, 0), (True, 0, 0),
        )  # fmt: skip
        speak(3)
        received(device, 3)
        assert (row(device, "vnet"), row(device, "uso")[1]) == ((True, 5, 0), 2)
        before = device.offloads()
    assert device.offloads() == before, "closed, it still tells"


def refuse(device: TunTap | PacketSocket, medium: int) -> None:
    """The kernel refuses the third packet of four: what was before is sent, it and the last wait, unmarked."""
    batch = Batch()
    add_uso(batch, 2, medium)
    add_uso(batch, 2, medium, gso_size=0)
    add_uso(batch, KERNEL_SEGMENTS + 1, medium)
    add_uso(batch, 2, medium)
    for p in batch:
        p.drop(reasons.UNCLAIMED)
    assert device.accepts == F_ALL
    assert device.send(batch) == 2
    assert [p.reason for p in batch] == [reasons.UNCLAIMED, reasons.BAD_GSO, reasons.UNCLAIMED, reasons.UNCLAIMED]
    assert device.accepts == F_CSUM | TSO
    assert (row(device, "uso"), row(device, "tso")) == ((False, 1, 1), (True, 0, 0))
    rest = Batch()
    add_uso(rest, KERNEL_SEGMENTS + 1, medium)
    add_uso(rest, 2, medium)
    rest = fit(rest, accepts=device.accepts)
    for p in rest:
        p.drop(reasons.UNCLAIMED)
    assert (len(rest), device.send(rest)) == (KERNEL_SEGMENTS + 3, KERNEL_SEGMENTS + 3)
    assert {p.reason for p in rest} == {reasons.UNCLAIMED}
    assert row(device, "uso") == (False, 1, 1)


@alone
def test_refused_by_a_tun() -> None:
    with switched_off(""), Tun("t0") as device:
        refuse(device, IP)
        device.close()
        device.open()
        assert device.accepts == F_CSUM | TSO, "what was refused once is not tried again"


@alone
def test_refused_by_a_tap() -> None:
    with switched_off(""), Tap("t0") as device:
        refuse(device, ETHERNET)


@alone
def test_refused_by_a_packet_socket() -> None:
    silence_all()
    with switched_off(""), PacketSocket(interface="va") as device:
        refuse(device, ETHERNET)
        batch = tagged_tcp()
        assert (device.send(batch), device.accepts, row(device, "tso")) == (0, F_CSUM, (False, 0, 1))
        plain = fit(batch, accepts=device.accepts)
        assert (len(plain), device.send(plain)) == (3, 3)
        assert device.send(tagged_tcp()) == 1


@alone
def test_behind_a_refusal_all_is_sent_in_pieces() -> None:
    with switched_off(""), Tun("t0") as device:
        rig = Rig("a -- wire.a", "wire.b -- t0", carries=F_ALL, medium=IP, wire=Wire(), t0=device)
        batch = Batch()
        add_uso(batch, 2, IP)
        add_uso(batch, KERNEL_SEGMENTS + 1, IP)
        add_uso(batch, 2, IP)
        assert rig.outside["a"].send(batch) == 3
        while rig.breathe("a"):
            pass
        rig.law()
        sent = rig.counts("t0")
        assert (sent["tx"]["packets"], sent["drops"], sent["held"]["packets"]) == (KERNEL_SEGMENTS + 5, {}, 0)
        assert row(device, "uso") == (False, 1, 1)


@alone
def test_a_command_switches_off_and_tells() -> None:
    with switched_off(""):
        with running(Here(), "wire", "ta", "tb", "--no-offload", "tso", "--no-offload", "mmsg") as engine:
            told = engine.stop()["offloads"]
        assert told.keys() == {"ta", "tb"}
        assert {name: bool(found["on"]) for name, found in told["ta"].items()} == {
            "vnet": True, "tso": False, "uso": True,
        }  # fmt: skip
