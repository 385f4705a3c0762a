"""Udp with UDP_SEGMENT and UDP_GRO: which packets travel together, and that nobody can tell by the bytes."""

from __future__ import annotations

import itertools
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.devices.udps import came, dropped, outgoing, plain, received, send_run, udp
from tunnel.arena import Arena
from tunnel.batch import Batch
from tunnel.packet import DATAGRAM

IP_TOS, IP_RECVTOS = 1, 13
LIMIT = 65507
SIZES = [
    ([100, 100, 100], [300]),
    ([100, 100, 60], [260]),
    ([100, 60, 100], [160, 100]),
    ([60, 100, 100], [60, 200]),
    ([100, 60, 60, 60], [160, 120]),
    ([0, 0, 100, 0, 100], [0, 0, 100, 0, 100]),
    ([1] * 130, [64, 64, 2]),
    ([1472] * 50, [44 * 1472, 6 * 1472]),
    ([32740] * 3, [2 * 32740, 32740]),
    ([LIMIT, LIMIT], [LIMIT, LIMIT]),
]  # fmt: skip


def numbered(sizes: list[int]) -> list[bytes]:
    """Datagrams of these sizes, each of a byte of its own."""
    return [bytes([number & 0xFF]) * size for number, size in enumerate(sizes)]


@pytest.mark.parametrize(("sizes", "sends"), SIZES)
def test_what_is_one_send(sizes: list[int], sends: list[int]) -> None:
    """Loopback hands a run over unsplit to who asks for it."""
    sent = numbered(sizes)
    with udp() as device, plain(gro=True) as whole, plain() as single:
        assert device.send(outgoing(sent, whole.getsockname())) == len(sent)
        runs = came(whole, len(sends))
        assert [len(data) for data in runs] == sends
        assert b"".join(runs) == b"".join(sent)
        assert device.offloads()["gso"]["used"] == sum(size > max(sizes) for size in sends)
        assert device.send(outgoing(sent, single.getsockname())) == len(sent)
        assert came(single, len(sent)) == sent


@pytest.mark.parametrize(("size", "runs"), [(32753, 1), (32754, 0)])
def test_a_run_is_no_larger_than_a_datagram(size: int, runs: int) -> None:
    """65,507 bytes: so much that the kernel cuts it in front of any device."""
    with udp() as device, plain() as sock:
        sent = numbered([size, size])
        assert device.send(outgoing(sent, sock.getsockname())) == 2
        assert came(sock, 2) == sent
        assert device.offloads()["gso"]["used"] == runs


def test_another_endpoint_ends_a_run() -> None:
    sent = numbered([10] * 6)
    with udp() as device, plain(gro=True) as first, plain(gro=True) as second:
        names = first.getsockname(), second.getsockname()
        batch = outgoing(sent[:4], names[0])
        for data, name in zip(sent[4:], reversed(names), strict=True):
            batch.emit(data, medium=DATAGRAM, endpoint=name, egress=0)
        assert device.send(batch) == 6
        assert came(first, 2) == [b"".join(sent[:4]), sent[5]]
        assert came(second, 1) == [sent[4]]


def test_a_packet_without_endpoint_costs_only_itself() -> None:
    sent = numbered([10] * 5)
    with udp() as device, plain(gro=True) as sock:
        batch = outgoing(sent[:2], sock.getsockname())
        batch.emit(b"nowhere", medium=DATAGRAM, egress=0)
        for data in sent[2:]:
            batch.emit(data, medium=DATAGRAM, endpoint=sock.getsockname(), egress=0)
        assert device.send(batch) == 6
        assert dropped(batch) == {2: "NO_ENDPOINT"}
        assert came(sock, 2) == [b"".join(sent[:2]), b"".join(sent[2:])]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_another_tos_ends_a_run(address: str) -> None:
    """DSCP and ECN of what came in go out again; one send has one of each."""
    v4 = address == "127.0.0.1"
    level = socket.IPPROTO_IP if v4 else socket.IPPROTO_IPV6
    receive, tos = (IP_RECVTOS, IP_TOS) if v4 else (socket.IPV6_RECVTCLASS, socket.IPV6_TCLASS)
    with udp(listen="[::]:0") as device, plain(address, gro=True) as sock:
        sock.setsockopt(level, receive, 1)
        to = address, device.address[1]
        for value in (0xB8, 0xB8, 0xBA, 0xBA, 0):
            sock.setsockopt(level, tos, value)
            sock.sendto(b"x", to)
        batch = Batch()
        assert device.recv(batch) == 5
        batch.parse()
        assert device.send(batch) == 5
        answers = [sock.recvmsg(100, 200) for _ in range(3)]
    told = [[data[0] for lev, kind, data in control if (lev, kind) == (level, tos)] for _, control, _, _ in answers]
    assert [data for data, _, _, _ in answers] == [b"xx", b"xx", b"x"]
    assert told == [[0xB8], [0xBA], [0]]


@pytest.mark.parametrize(("address", "other"), [("127.0.0.1", "127.0.0.7"), ("::1", "::1")])
def test_a_run_is_answered_from_where_it_was_asked(address: str, other: str) -> None:
    with udp(listen="[::]:0") as device, plain(address, gro=True) as sock:
        send_run(sock, b"abcdefghij", 4, (other, device.address[1]))
        sock.sendto(b"klm", (address, device.address[1]))
        batch = Batch()
        assert device.recv(batch) == 4
        assert {p.endpoint for p in batch} == {sock.getsockname()[:2]}
        batch.parse()
        assert device.send(batch) == 4
        answers = [sock.recvfrom(100) for _ in range(2)]
    assert [(data, name[0]) for data, name in answers] == [(b"abcdefghij", other), (b"klm", address)]


@pytest.mark.parametrize(("size", "each"), [(10, 4), (12, 4), (64, 1), (65000, 1000), (65490, 32746), (5, 4)])
def test_a_run_is_received_at_once_and_shown_in_slices(size: int, each: int) -> None:
    data = os.urandom(size)
    with udp() as device, plain() as sock:
        send_run(sock, data, each, device.address)
        batch = Batch(arena := Arena())
        assert device.recv(batch) == -(-size // each)
        assert [p.data for p in batch] == [data[at : at + each] for at in range(0, size, each)]
        assert arena.used < size + 300, "one record, one headroom, no copy"
        assert device.offloads()["gro"] == {"on": True, "used": 1, "refused": 0}


def test_slices_may_be_written_without_harm_to_their_neighbours() -> None:
    with udp() as device, plain() as sock:
        send_run(sock, b"aaaabbbbcc", 4, device.address)
        batch = Batch()
        device.recv(batch)
        batch.clone(batch[1])
        batch[1].view[:] = b"BBBB"
        batch[0].view[:] = b"AAAA"
        assert [p.data for p in batch] == [b"AAAA", b"BBBB", b"cc", b"bbbb"]


def test_a_run_beyond_the_batch_is_counted() -> None:
    batch = Batch()
    batch.emit(b"", medium=DATAGRAM)
    for _ in range(16384 - 5):
        batch.clone(batch[0])
    with udp() as device, plain() as sock:
        send_run(sock, b"aabbccddeef", 2, device.address)
        send_run(sock, b"next", 2, device.address)
        assert device.recv(batch) == 4
        counts = device.counts()
        assert counts["drops"]["NO_ROOM"] == counts["rx"]
        assert (counts["rx"]["packets"], counts["rx"]["bytes"]) == (4, 7)
        assert device.recv(batch) == 0, "it is full"
        assert received(device) == [], "both runs had come by then"


def test_without_gro_a_run_comes_as_datagrams() -> None:
    with udp("gro") as device, plain() as sock:
        send_run(sock, b"aaaabbbbcc", 4, device.address)
        assert received(device) == [b"aaaa", b"bbbb", b"cc"]
        assert device.offloads()["gro"] == {"on": False, "used": 0, "refused": 0}


def test_without_gso_each_goes_alone() -> None:
    sent = numbered([10] * 5)
    with udp("gso") as device, plain(gro=True) as sock:
        assert device.send(outgoing(sent, sock.getsockname())) == 5
        assert came(sock, 5) == sent
        assert device.offloads()["gso"] == {"on": False, "used": 0, "refused": 0}


def test_without_mmsg_each_call_moves_one_message() -> None:
    with udp("mmsg") as device, plain(gro=True) as sock:
        assert device.send(outgoing(numbered([10, 20, 20, 30]), sock.getsockname())) == 4
        assert [len(data) for data in came(sock, 3)] == [10, 40, 30]
        sock.sendto(b"1", device.address)
        sock.sendto(b"2", device.address)
        assert received(device) == [b"1", b"2"]
        assert device.offloads()["mmsg"] == {"on": False, "used": 0, "refused": 0}


def test_calls_of_many_messages_are_counted() -> None:
    with udp() as device, plain() as sock:
        assert device.send(outgoing(numbered([10]), sock.getsockname())) == 1
        assert device.offloads()["mmsg"]["used"] == 0
        assert device.send(outgoing(numbered([10, 20]), sock.getsockname())) == 2
        for _ in range(20):
            sock.sendto(b"x", device.address)
        assert len(received(device)) == 20
        assert device.offloads()["mmsg"]["used"] == 3, "1 send, 15 and 5 received"


def test_an_inherited_socket_is_set_anew() -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setsockopt(socket.IPPROTO_UDP, 103, 4)
    sock.setsockopt(socket.IPPROTO_UDP, 104, 1)
    with udp("all", fd=sock.detach()) as device, plain(gro=True) as other:
        assert device.send(outgoing([b"one datagram"], other.getsockname())) == 1
        assert other.recvmsg(100, 100)[:2] == (b"one datagram", [])
        send_run(other, b"aaaabb", 4, device.address)
        assert received(device) == [b"aaaa", b"bb"]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 2, 99, 100, 1400, 9000]) | st.integers(0, 3000),
            st.integers(1, 70), st.integers(0, 2),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_all_on_equals_all_off(groups: list[tuple[int, int, int]]) -> None:
    """Groups of equal sizes, to three places: every receiver sees the same datagrams in the same order."""
    stream = list(itertools.chain(*([(size, place)] * count for size, count, place in groups)))[:250]
    if sum(size for size, _ in stream) > 1_000_000:
        stream = stream[:50]
    with plain() as one, plain() as two, udp() as on, udp("all") as off, udp() as far:
        names = one.getsockname(), two.getsockname(), far.address
        sent: dict[int, list[bytes]] = {0: [], 1: [], 2: []}
        batch = Batch()
        for number, (size, place) in enumerate(stream):
            sent[place].append((number.to_bytes(2) * size)[:size])
            batch.emit(sent[place][-1], medium=DATAGRAM, endpoint=names[place], egress=0)
        for device in (on, off):
            assert device.send(batch) == len(stream)
            assert came(one, len(sent[0])) == sent[0]
            assert came(two, len(sent[1])) == sent[1]
            assert received(far) == sent[2]
        assert dropped(batch) == {}


def test_a_receive_is_15_messages_and_packs_densely() -> None:
    """Of runs as large as can be: they stay below the receive limit."""
    if int(Path("/proc/sys/net/core/rmem_max").read_text()) < 4 << 20 and os.geteuid():
        pytest.skip("a large receive buffer is missing: sysctl net.core.rmem_max=4194304")
    with udp() as device, plain() as sock:
        sent = numbered([1000] * 64 * 20)
        for first in range(0, len(sent), 64):
            send_run(sock, b"".join(sent[first : first + 64]), 1000, device.address)
        batch = Batch(arena := Arena())
        assert device.recv(batch) == 15 * 64
        assert arena.used <= 1 << 20
        assert [p.data for p in batch] + received(device) == sent


def test_more_than_one_call_can_carry_leaves_in_order() -> None:
    sent = numbered([20] * 3000)
    with udp() as device, plain(gro=True) as sock:
        assert device.send(outgoing(sent, sock.getsockname())) == 3000
        assert b"".join(came(sock, 47)) == b"".join(sent)
        assert device.offloads() == {
            "gso": {"on": True, "used": 47, "refused": 0},
            "gro": {"on": True, "used": 0, "refused": 0},
            "mmsg": {"on": True, "used": 3, "refused": 0},
        }


def test_an_endpoint_is_what_it_says_not_where_it_lies() -> None:
    with udp(listen="[::1]:0") as device, plain("::1", gro=True) as sock:
        assert device.send(outgoing(numbered([5, 5, 5]), sock.getsockname()[:2])) == 3
        assert len(came(sock, 1)[0]) == 15
