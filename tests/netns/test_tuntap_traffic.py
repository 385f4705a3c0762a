"""What passes over TUN and TAP, and what happens when the link is down, moved or gone."""

from __future__ import annotations

import errno
import select
import socket
from contextlib import suppress
from typing import Any

import pytest
from pyroute2 import IPRoute

from tests.netns.alone import alone, another
from tests.netns.tuns import ARRIVES_MS, OURS, change, delete, names, readable, received, silence_all, speak, tun
from tests.unit.packets import MACS, ROOM, datagram, gaps
from tunnel import reasons
from tunnel.batch import Batch
from tunnel.devices.tuntap import Tap, Tun, TunTap
from tunnel.errors import DeviceClosed
from tunnel.netns import inside
from tunnel.packet import F_CSUM, IP


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
        sizes: list[int] = []
        while sum(sizes) < 100:
            assert readable(device)
            batch = Batch()
            sizes.append(device.recv(batch))
            assert min(gaps(batch), default=ROOM) >= ROOM
        assert max(sizes) == 64


@alone
def test_without_the_header_it_carries_plain_packets_only() -> None:
    with tun(offload=False) as device:
        assert (device.brings, device.accepts) == (0, 0)
        speak()
        assert received(device, 1)[0][-4:] == bytes(4)


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


def pump(left: TunTap, right: TunTap, sockets: list[socket.socket], size: int) -> list[tuple[int, int]]:
    """Carry packets between two devices while one socket sends to the other; length and segments of all."""
    sender, receiver = sockets
    seen: list[tuple[int, int]] = []
    content = bytes(range(256)) * (size >> 8)
    data, got = memoryview(content), bytearray()
    while len(got) < size:
        ready, writable, _ = select.select([left.fd, right.fd, receiver.fileno()], [sender] if data else [], [], 5)
        assert ready or writable, f"nothing moves after {len(got)} bytes"
        if writable:
            with suppress(BlockingIOError):
                data = data[sender.send(data) :]
        for source, target in ((left, right), (right, left)):
            batch = Batch()
            source.recv(batch)
            batch.parse()
            seen += [(len(p), p.segments) for p in batch]
            for p in batch:
                p.drop(reasons.UNCLAIMED)
            target.send(batch)
        if receiver.fileno() in ready:
            got += receiver.recv(1 << 20)
    assert got == content
    return seen


def joined(**options: Any) -> list[tuple[int, int]]:
    """TCP between two namespaces over two TUNs."""
    there = another()
    with tun(**options) as left, Tun("t1", netns=there, address=["10.7.0.2/24"], **options) as right:
        return talk(left, right, there)


def talk(
    left: TunTap, right: TunTap, there: int, address: str = "10.7.0.2", size: int = 1 << 20
) -> list[tuple[int, int]]:
    """TCP to an address of the right device, in its namespace: length and segments of all that passed."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = inside(there, lambda: socket.create_server((address, 9), family=family))
    with listener, socket.socket(family) as sender:
        sender.setblocking(False)
        sender.connect_ex((address, 9))
        while not select.select([listener], [], [], 0)[0]:
            for source, target in ((left, right), (right, left)):
                batch = Batch()
                source.recv(batch)
                target.send(batch)
        receiver, _ = listener.accept()
        with receiver:
            receiver.setblocking(False)
            return pump(left, right, [sender, receiver], size)


@pytest.mark.usefixtures("all_on")
@alone
def test_super_packets_pass_whole() -> None:
    seen = joined()
    assert max(segments for _, segments in seen) > 10
    assert max(size for size, _ in seen) > 10_000


@alone
def test_without_the_header_there_are_none() -> None:
    assert {segments for _, segments in joined(offload=False)} == {1}


@pytest.mark.usefixtures("all_on")
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
