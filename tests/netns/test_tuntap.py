"""TUN and TAP against the kernel: how they are made, what passes, what happens when they go."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
import struct
from contextlib import suppress
from typing import Any

import pytest
from pyroute2 import IPRoute

from tests.netns.alone import alone, another
from tests.netns.test_packet_socket import silence
from tests.unit.packets import MACS, datagram
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.devices import tun_ioctl as ioctls
from tunnel.devices.tuntap import Tap, Tun, TunTap
from tunnel.errors import ConfigError, DeviceClosed, DeviceError
from tunnel.netns import inside
from tunnel.packet import F_ALL, F_CSUM, IP

TUNGETSNDBUF = 0x800454D3
ARRIVES_MS = 5000
OURS = b"\x88\xb5"


def names() -> set[str]:
    return {name for _, name in socket.if_nameindex()}


def link(name: str) -> dict[str, Any]:
    """What netlink says of a TUN or TAP: its own attributes and those of every link."""
    with IPRoute() as ipr:
        message = ipr.link("get", index=socket.if_nametoindex(name))[0]
    own = message.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_DATA")
    found = dict(message["attrs"]) | dict(own["attrs"])
    return {str(name).removeprefix("IFLA_").lower(): value for name, value in found.items()}


def change(name: str, **fields: Any) -> None:
    with IPRoute() as ipr:
        ipr.link("set", index=socket.if_nametoindex(name), **fields)


def delete(name: str) -> None:
    with IPRoute() as ipr:
        ipr.link("del", index=socket.if_nametoindex(name))


def readable(device: TunTap) -> bool:
    return bool(select.select([device.fd], [], [], ARRIVES_MS / 1000)[0])


def received(device: TunTap, count: int) -> list[bytes]:
    """So many packets that are ours, whatever the kernel says beside."""
    found: list[bytes] = []
    while len(found) < count:
        assert readable(device), f"{len(found)} of {count} came"
        batch = Batch()
        device.recv(batch)
        batch.parse()
        found += [p.data for p in batch if p.dport == 9]
    return found


def speak(count: int = 1, *, to: str = "10.7.0.2") -> None:
    """Datagrams to the discard port of an address behind the device."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for number in range(count):
            sock.sendto(number.to_bytes(4, "big"), (to, 9))


def tun(**options: Any) -> Tun:
    return Tun("t0", address=["10.7.0.1/24"], **options)


@alone
def test_it_is_made_and_goes_with_its_descriptor() -> None:
    device = tun(mtu=1400, txqueuelen=77)
    with device:
        found = link("t0")
        assert (found["mtu"], found["txqlen"], found["tun_persist"], found["carrier"]) == (1400, 77, 0, 1)
        assert (device.medium, device.brings, device.accepts) == (IP, F_ALL, F_ALL)
        device.open()
    assert "t0" not in names()
    device.close()
    with device:
        assert "t0" in names()
    assert not names() & {"t0"}


@alone
def test_packets_pass_both_ways_in_order() -> None:
    with tun() as device, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("10.7.0.1", 0))
        sock.settimeout(ARRIVES_MS / 1000)
        speak(150)
        came = received(device, 150)
        assert [data[-4:] for data in came] == [number.to_bytes(4, "big") for number in range(150)]
        port = sock.getsockname()[1]
        answers = Batch()
        for number in range(150):
            p = answers.emit(datagram(port, number.to_bytes(4, "big")), medium=IP)
            p.src, p.dst = bytes([10, 7, 0, 2]), bytes([10, 7, 0, 1])
        assert device.send(answers) == 150
        assert [sock.recv(100) for _ in range(150)] == [number.to_bytes(4, "big") for number in range(150)]


@alone
def test_at_most_64_at_once() -> None:
    silence_all()
    with tun(offload=False) as device:
        speak(100)
        sizes = []
        while sum(sizes) < 100:
            assert readable(device)
            batch = Batch()
            sizes.append(device.recv(batch))
        assert max(sizes) == 64


def silence_all() -> None:
    """No IPv6 on what comes: nothing but what the test says."""
    silence("default")


@alone
def test_without_the_header_it_carries_plain_packets_only() -> None:
    with tun(offload=False) as device:
        assert (device.brings, device.accepts) == (0, 0)
        speak()
        assert received(device, 1)[0][-4:] == bytes(4)


@alone
def test_a_name_in_use_is_refused_and_nothing_changed() -> None:
    with tun(mtu=1400), pytest.raises(DeviceError, match="interface t0: .*the name is in use") as caught:
        Tun("t0", mtu=1300).open()
    assert caught.value.errno == errno.EBUSY
    with tun(mtu=1400), pytest.raises(DeviceError):
        Tap("t0").open()
    assert "t0" not in names()


@alone
def test_an_interface_of_another_kind_is_refused() -> None:
    with pytest.raises(DeviceError, match="interface va"):
        Tap("va", attach=True).open()
    assert "va" in names()


@alone
def test_persist_and_attach() -> None:
    with Tun("t0", persist=True, owner=0, group=0, address=["10.7.0.1/24"]) as device:
        assert (device.brings, link("t0")["tun_persist"]) == (F_ALL, 1)
    found = link("t0")
    assert (found["tun_owner"], found["tun_group"]) == (0, 0)
    with pytest.raises(DeviceError):
        Tun("t0").open()
    with Tun("t0", attach=True) as device:
        speak(3)
        assert len(received(device, 3)) == 3
    assert "t0" in names()
    delete("t0")


@alone
def test_attaching_to_nothing_is_refused_and_makes_nothing() -> None:
    with pytest.raises(DeviceError, match=r"interface t0: .*No such device; there is no such interface") as caught:
        Tun("t0", attach=True).open()
    assert caught.value.errno == errno.ENODEV
    assert "t0" not in names()


@alone
def test_what_fails_leaves_no_persistent_device() -> None:
    with pytest.raises(DeviceError, match="MTU 65535"):
        Tap("t0", persist=True, mtu=65535).open()
    assert "t0" not in names()


@alone
def test_a_mask_does_not_stay_on_a_persistent_device() -> None:
    with Tun("t0", persist=True, address=["10.7.0.1/24"]) as first:
        assert first.brings == F_ALL
    with Tun("t0", attach=True, offload=False) as second:
        speak()
        assert received(second, 1)[0][-4:] == bytes(4)
    delete("t0")


@alone
def test_settings_reach_the_kernel() -> None:
    with tun(sndbuf=50_000, carrier=False, up=False) as device:
        assert struct.unpack("i", fcntl.ioctl(device.fd, TUNGETSNDBUF, bytes(4)))[0] == 50_000
        found = link("t0")
        assert (found["carrier"], found["operstate"]) == (0, "DOWN")
        change("t0", state="up")
        assert link("t0")["operstate"] == "DOWN"


@alone
def test_mtu_out_of_range_says_what_is_in_range() -> None:
    for wrong in (67, 65536):
        with pytest.raises(ConfigError, match="mtu"):
            Tun("t0", mtu=wrong)
    with pytest.raises(DeviceError, match=r"interface t0: MTU 65522: .*up to 65521 for a TAP"):
        Tap("t0", mtu=65522).open()
    assert "t0" not in names()
    with Tap("t0", mtu=65521):
        assert link("t0")["mtu"] == 65521


@alone
def test_several_queues_of_one_device() -> None:
    with Tun("t0", multi_queue=True) as one, Tun("t0", multi_queue=True) as two:
        assert one.fd != two.fd
        assert link("t0")["tun_num_queues"] == 2


@alone
def test_in_another_namespace() -> None:
    there = another()
    with Tun("t0", netns=there, address=["10.7.0.1/24"]) as device:
        assert "t0" not in names()
        assert inside(there, names) == {"lo", "t0"}
        inside(there, speak)
        assert len(received(device, 1)) == 1
    assert inside(there, names) == {"lo"}
    with pytest.raises(DeviceError, match="namespace /run/netns/nowhere: No such file"):
        Tun("t0", netns="nowhere").open()


def made_elsewhere(flags: int) -> int:
    fd = ioctls.open_control()
    ioctls.attach(fd, "t0", flags | ioctls.IFF_NO_PI)
    return fd


@alone
def test_an_inherited_descriptor() -> None:
    fd = made_elsewhere(ioctls.IFF_TUN | ioctls.IFF_VNET_HDR)
    os.set_blocking(fd, True)
    device = Tun(fd=fd)
    with device:
        assert (device.name, device.interface, device.fd, device.brings) == ("t0", "t0", fd, F_ALL)
        ioctls.set_link("t0", mtu=1400, txqueuelen=None, up=True)
        with IPRoute() as ipr:
            ipr.addr("add", index=socket.if_nametoindex("t0"), address="10.7.0.1", prefixlen=24)
        speak()
        assert len(received(device, 1)) == 1
        while device.recv(Batch()):
            pass
    assert "t0" not in names()
    with pytest.raises(DeviceError, match="cannot be opened again"):
        device.open()


@alone
def test_an_inherited_descriptor_without_the_header() -> None:
    with Tun(fd=made_elsewhere(ioctls.IFF_TUN)) as device:
        assert (device.brings, device.accepts) == (0, 0)


@alone
def test_an_inherited_descriptor_of_something_else_is_refused_and_closed() -> None:
    fd = made_elsewhere(ioctls.IFF_TUN)
    with pytest.raises(DeviceError, match="t0 is not a tap"):
        Tap(fd=fd).open()
    assert "t0" not in names()
    reader, writer = os.pipe()
    with pytest.raises(DeviceError, match="is no TUN or TAP"):
        Tun(fd=reader).open()
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(reader)
    os.close(writer)


@alone
def test_deleted_it_is_gone() -> None:
    with tun() as device:
        delete("t0")
        assert readable(device)
        with pytest.raises(DeviceClosed, match="interface t0: gone") as caught:
            device.recv(Batch())
        assert caught.value.errno == errno.EBADFD
        with pytest.raises(DeviceClosed, match="gone"):
            device.send(Batch.of([datagram()], medium=IP))
    with pytest.raises(DeviceClosed):
        device.recv(Batch())


@alone
def test_moved_it_goes_on() -> None:
    there = another()
    with tun() as device:
        change("t0", net_ns_fd=there)
        assert "t0" not in names()

        def settle() -> None:
            with IPRoute() as ipr:
                index = socket.if_nametoindex("t0")
                ipr.addr("add", index=index, address="10.7.0.1", prefixlen=24)
                ipr.link("set", index=index, state="up")

        inside(there, settle)
        inside(there, speak)
        assert len(received(device, 1)) == 1
        sent = Batch.of([datagram()], medium=IP)
        assert (device.send(sent), sent[0].reason) == (1, reasons.UNCLAIMED)


@alone
def test_a_link_that_is_down_costs_the_packet_and_goes_on_when_up() -> None:
    with tun() as device:
        change("t0", state="down")
        sent = Batch.of([datagram()] * 3, medium=IP)
        assert device.send(sent) == 3
        assert [p.reason for p in sent] == [reasons.LINK_DOWN] * 3
        change("t0", state="up")
        sent = Batch.of([datagram()], medium=IP)
        assert (device.send(sent), sent[0].reason) == (1, reasons.UNCLAIMED)
        speak()
        assert len(received(device, 1)) == 1


@alone
def test_what_the_kernel_refuses_costs_itself_only() -> None:
    with tun() as device:
        sent = Batch.of([datagram(), b"\0" * 40, datagram()], medium=IP)
        assert device.send(sent) == 3
        assert [p.egress for p in sent] == [0xFFFF] * 3
        sent = Batch()
        for data in (datagram(), b"\0" * 40, datagram()):
            sent.emit(data, medium=IP).drop(reasons.UNCLAIMED)
        assert device.send(sent) == 3
        assert [p.reason for p in sent] == [reasons.UNCLAIMED, reasons.REFUSED, reasons.UNCLAIMED]


@alone
def test_frames_on_a_tap() -> None:
    silence_all()
    with Tap("t0") as device, socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.bind(("t0", 3))
        sock.settimeout(ARRIVES_MS / 1000)
        sock.send(MACS + OURS + b"from the kernel")
        batch = Batch()
        assert readable(device)
        assert device.recv(batch) == 1
        assert batch[0].data == MACS + OURS + b"from the kernel"
        assert device.send(Batch.of([MACS + OURS + b"to the kernel"])) == 1
        assert sock.recv(100).startswith(MACS + OURS + b"to the kernel")


def pump(left: TunTap, right: TunTap, sockets: list[socket.socket]) -> list[tuple[int, int]]:
    """Carry packets between two devices while one socket sends 1 MB to the other; length and segments of all."""
    sender, receiver = sockets
    seen: list[tuple[int, int]] = []
    data, got = memoryview(bytes(range(256)) * 4096), bytearray()
    while len(got) < 1 << 20:
        ready, writable, _ = select.select([left.fd, right.fd, receiver], [sender] if data else [], [], 5)
        assert ready or writable, f"nothing moves after {len(got)} bytes"
        if writable:
            with suppress(BlockingIOError):
                data = data[sender.send(data) :]
        for source, target in ((left, right), (right, left)):
            batch = Batch()
            source.recv(batch)
            seen += [(len(p), p.segments) for p in batch]
            for p in batch:
                p.drop(reasons.UNCLAIMED)
            target.send(batch)
        if receiver in ready:
            got += receiver.recv(1 << 20)
    assert got == bytes(range(256)) * 4096
    return seen


def joined(**options: Any) -> list[tuple[int, int]]:
    """TCP between two namespaces over two TUNs."""
    there = another()
    with tun(**options) as left, Tun("t1", netns=there, address=["10.7.0.2/24"], **options) as right:
        listener = inside(there, lambda: socket.create_server(("10.7.0.2", 9)))
        with listener, socket.socket() as sender:
            sender.setblocking(False)
            sender.connect_ex(("10.7.0.2", 9))
            while not select.select([listener], [], [], 0)[0]:
                for source, target in ((left, right), (right, left)):
                    batch = Batch()
                    source.recv(batch)
                    target.send(batch)
            receiver, _ = listener.accept()
            with receiver:
                receiver.setblocking(False)
                return pump(left, right, [sender, receiver])


@alone
def test_super_packets_pass_whole() -> None:
    seen = joined()
    assert max(segments for _, segments in seen) > 10
    assert max(size for size, _ in seen) > 10_000


@alone
def test_without_the_header_there_are_none() -> None:
    assert {segments for _, segments in joined(offload=False)} == {1}


@alone
def test_checksums_that_the_kernel_left_unfinished_are_marked() -> None:
    with tun() as device:
        speak()
        found: list[bool] = []
        while not found:
            assert readable(device)
            batch = Batch()
            device.recv(batch)
            batch.parse()
            found = [p.needs_csum for p in batch if p.dport == 9]
        assert found == [True]
        assert device.brings & F_CSUM
