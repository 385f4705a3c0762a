"""Udp over loopback: what is received, what is sent, what happens when it cannot be."""

from __future__ import annotations

import errno
import os
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tunnel import reasons
from tunnel.arena import Arena
from tunnel.batch import Batch
from tunnel.devices.udp import Udp
from tunnel.errors import ConfigError, DeviceClosed, DeviceError

DATAGRAM = 3
IP_TOS, IP_RECVTOS, IPV6_TCLASS = 1, 13, 67


@pytest.fixture
def udp() -> Iterator[Udp]:
    with Udp(listen="127.0.0.1:0") as device:
        yield device


def peer(address: str = "127.0.0.1") -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 0))
    sock.settimeout(2)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    return sock


def ready(device: Udp, count: int) -> list[tuple[bytes, object]]:
    """Receive until ``count`` datagrams came; loopback has delivered when sendto returns."""
    found: list[tuple[bytes, object]] = []
    while len(found) < count:
        batch = Batch()
        assert device.recv(batch), f"{len(found)} of {count} came"
        found += [(p.data, p.endpoint) for p in batch]
    return found


def outgoing(*datagrams: bytes, to: tuple[str, int] | None) -> Batch:
    batch = Batch()
    for data in datagrams:
        batch.emit(data, medium=DATAGRAM, endpoint=to, egress=0)
    return batch


def test_nothing_is_there(udp: Udp) -> None:
    assert udp.recv(Batch()) == 0


def groups(sizes: list[int]) -> Iterator[list[int]]:
    """Runs of sizes that any receive buffer holds together (the least rmem_max is 212,992)."""
    group: list[int] = []
    for size in sizes:
        if sum(group) + size > 150_000:
            yield group
            group = []
        group.append(size)
    yield group


@pytest.mark.parametrize("seed", range(4))
def test_sizes_mixed_up_to_the_largest(udp: Udp, seed: int) -> None:
    dice = random.Random(seed)
    sizes = [0, 1, 2047, 2048, 2049, 65506, 65507] * 4
    sizes += [dice.randrange(dice.choice([100, 1500, 65508])) for _ in range(200)]
    dice.shuffle(sizes)
    with peer() as sock:
        for group in groups(sizes):
            sent = [dice.randbytes(size) for size in group]
            for data in sent:
                sock.sendto(data, udp.address)
            assert ready(udp, len(sent)) == [(data, sock.getsockname()) for data in sent]


def test_all_as_large_as_can_be_stay_below_the_receive_limit(udp: Udp) -> None:
    if int(Path("/proc/sys/net/core/rmem_max").read_text()) < 4 << 20 and os.geteuid():
        pytest.skip("a large receive buffer is missing: sysctl net.core.rmem_max=4194304")
    sent = [bytes([n]) * 65507 for n in range(40)]
    with peer() as sock:
        for data in sent:
            sock.sendto(data, udp.address)
    found: list[bytes] = []
    while len(found) < 40:
        arena = Arena()
        batch = Batch(arena)
        assert 0 < udp.recv(batch) <= 15
        assert arena.used <= 1 << 20
        found += [p.data for p in batch]
    assert found == sent


def test_a_receive_appends_behind_what_is_there(udp: Udp) -> None:
    with peer() as sock:
        for n in range(3):
            sock.sendto(bytes([n]), udp.address)
        batch = Batch()
        assert udp.recv(batch) == 3
        sock.sendto(b"\3", udp.address)
    assert udp.recv(batch) == 1
    assert [p.data[0] for p in batch] == list(range(4))


def test_a_full_arena_receives_nothing_and_loses_nothing(udp: Udp) -> None:
    batch = Batch()
    for _ in range(16):
        batch.emit(bytes(65535), medium=DATAGRAM)
    with peer() as sock:
        sock.sendto(b"waits", udp.address)
    assert udp.recv(batch) == 0
    assert ready(udp, 1)[0][0] == b"waits"


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_answers_go_back_from_where_they_were_asked(address: str) -> None:
    other = "127.0.0.7" if address == "127.0.0.1" else "::1"  # on a v4 loopback all of 127/8 is ours
    with Udp(listen="[::]:0") as device, peer(address) as sock:
        port = device.address[1]
        for n in range(3):
            sock.sendto(bytes([n]), (other, port))
        batch = Batch()
        assert device.recv(batch) == 3
        assert batch[0].endpoint == sock.getsockname()[:2], "never v4-mapped"
        batch.parse()
        assert device.send(batch) == 3
        for n in range(3):
            data, origin = sock.recvfrom(100)
            assert (data, origin[:2]) == (bytes([n]), (other, port))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_tos_is_received_and_sent(address: str) -> None:
    v4 = address == "127.0.0.1"
    with Udp(listen="[::]:0") as device, peer(address) as sock:
        level, receive, tos = (
            (socket.IPPROTO_IP, IP_RECVTOS, IP_TOS) if v4
            else (socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, IPV6_TCLASS)
        )  # fmt: skip
        sock.setsockopt(level, receive, 1)
        sock.setsockopt(level, tos, 0xB8)
        sock.sendto(b"x", (address, device.address[1]))
        batch = Batch()
        device.recv(batch)
        batch.parse()
        assert device.send(batch) == 1
        _, control, _, _ = sock.recvmsg(10, 100)
        assert [data[0] for lev, kind, data in control if (lev, kind) == (level, tos)] == [0xB8]


def test_sends_200_in_order(udp: Udp) -> None:
    with peer() as sock:
        batch = outgoing(*(struct.pack("H", n) for n in range(200)), to=sock.getsockname())
        assert udp.send(batch) == 200
        assert [struct.unpack("H", sock.recv(2))[0] for _ in range(200)] == list(range(200))


def test_a_bad_packet_costs_only_itself(udp: Udp) -> None:
    with peer() as sock:
        batch = Batch()
        home = sock.getsockname()
        batch.emit(b"a", medium=DATAGRAM, endpoint=home, egress=0)
        batch.emit(b"lost", medium=DATAGRAM, egress=0)
        batch.emit(bytes(65508), medium=DATAGRAM, endpoint=home, egress=0)
        batch.emit(b"b", medium=DATAGRAM, endpoint=home, egress=0)
        batch.emit(b"broadcast", medium=DATAGRAM, endpoint=("255.255.255.255", 9), egress=0)
        batch.emit(b"v6", medium=DATAGRAM, endpoint=("::1", 9), egress=0)
        batch.emit(b"c", medium=DATAGRAM, endpoint=home, egress=0)
        assert udp.send(batch) == 7
        assert [sock.recv(10) for _ in range(3)] == [b"a", b"b", b"c"]
    dropped = {i: reasons.name(p.reason) for i, p in enumerate(batch) if p.egress == 0xFFFF}
    assert dropped == {1: "NO_ENDPOINT", 2: "TOO_BIG", 4: "REFUSED", 5: "REFUSED"}


def test_refusals_of_earlier_datagrams_are_passed_over() -> None:
    with peer() as gone:
        target = gone.getsockname()
    plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    plain.connect(target)  # only connected sockets are told
    with Udp(fd=plain.detach()) as device:
        assert device.send(outgoing(b"1", to=target)) == 1
        batch = outgoing(b"2", b"3", to=target)
        assert device.send(batch) == 2
        assert [p.egress for p in batch] == [0, 0]
        assert device.recv(Batch()) == 0


def test_the_kernels_drops_are_told_even_after_close() -> None:
    plain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    plain.bind(("127.0.0.1", 0))
    with Udp(fd=plain.detach()) as device, peer() as sock:
        for _ in range(20000):
            sock.sendto(bytes(1400), device.address)
        came = 0
        while got := device.recv(batch := Batch()):
            came += got
            batch.clear()
        assert device.kernel_drops() == {"rx": 20000 - came}
        assert came < 20000
    assert device.kernel_drops() == {"rx": 20000 - came}


def test_closed_is_told(udp: Udp) -> None:
    udp.close()
    udp.close()
    assert udp.fd == -1
    with pytest.raises(DeviceClosed, match="closed"):
        udp.recv(Batch())
    with pytest.raises(DeviceClosed):
        udp.send(outgoing(b"x", to=("127.0.0.1", 9)))
    udp.open()
    assert udp.recv(Batch()) == 0


def test_a_port_in_use_says_what_to_do(udp: Udp) -> None:
    host, port = udp.address
    with pytest.raises(DeviceError, match=f"udp {host}:{port}: .*ss -ulpn") as raised:
        Udp(listen=f"{host}:{port}").open()
    assert raised.value.errno == errno.EADDRINUSE


def test_reuse_port_shares_it() -> None:
    with Udp(listen="127.0.0.1:0", reuse_port=True) as first:
        second = Udp(listen=f"127.0.0.1:{first.address[1]}", reuse_port=True)
        second.open()
        assert first.address == second.address
        second.close()


@pytest.mark.parametrize(
    "options",
    [{}, {"listen": "localhost:9"}, {"listen": "1.2.3.4"}, {"listen": "::1:9"}, {"listen": "1.2.3.4:70000"},
     {"listen": "127.0.0.1:0", "fd": 3}],
)  # fmt: skip
def test_wrong_options(options: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Udp(**options)


def test_an_address_that_is_not_ours() -> None:
    with pytest.raises(DeviceError, match="ip address"):
        Udp(listen="192.0.2.99:0").open()


def test_a_stream_socket_is_refused_and_left_alone() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
        with pytest.raises(DeviceError, match="a UDP socket was expected"):
            Udp(fd=stream.fileno()).open()
        os.fstat(stream.fileno())
