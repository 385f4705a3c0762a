"""Traffic of both families over both, either end first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.interop.ends import fresh_key, require
from tests.interop.pairs import INNER, OUTER, Pair, answers, at, bound, capture, payloads
from tests.netns.engines import until
from tests.netns.loads import load
from tunnel.lab.probe import Transfer, ping, transfer

LARGE = 34736  # of the tunnel, over a cable of 34,816


def sides(pair: Pair, family: int):
    """Each end with the other's address."""
    return ((pair.west, INNER[family][1]), (pair.east, INNER[family][0]))


@pytest.mark.parametrize("psk", ["", fresh_key()], ids=["plain", "psk"])
@pytest.mark.parametrize("outer", [4, 6])
def test_a_handshake_and_pings(pair: Pair, outer: int, psk: str):
    pair.reset(family=outer, psk=psk)
    assert answers(pair.west.node, INNER[4][1], INNER[6][1])
    for end, address in (*sides(pair, 4), *sides(pair, 6)):
        assert len(ping(end.node, address, count=20, interval_s=0.005).rtts_s) == 20
    for number, (end, other) in enumerate((pair.ends, pair.ends[::-1])):
        line = end.peer(other)
        assert line.handshake_s > 0
        assert line.endpoint == at(OUTER[outer][1 - number], other.port)


def test_a_different_preshared_key_is_no_session(pair: Pair):
    pair.reset(psk=fresh_key())
    pair.east.set("peer", pair.west.public, "preshared-key", "/dev/stdin", text=fresh_key())
    assert not answers(pair.west.node, INNER[4][1])
    assert pair.west.peer(pair.east).handshake_s == 0
    pair.reset()
    assert answers(pair.west.node, INNER[4][1])


@pytest.mark.parametrize(("outer", "inner"), [(4, 4), (4, 6), (6, 4)])
def test_tcp_arrives_as_it_was_sent(pair: Pair, outer: int, inner: int):
    pair.reset(family=outer)
    before = pair.west.home.statistics(pair.west.name)
    moved = [
        transfer(end.node, other.node, address, seconds=0.3)
        for (end, address), other in zip(sides(pair, inner), pair.ends[::-1], strict=True)
    ]
    assert all(each.intact and each.size > 1_000_000 for each in moved)
    after = pair.west.home.statistics(pair.west.name)
    for counted, each in (("tx_bytes", moved[0]), ("rx_bytes", moved[1])):
        assert each.size < after[counted] - before[counted] < 1.3 * sum(every.size for every in moved)


def test_streams_beside_each_other(pair: Pair):
    pair.reset()
    assert answers(pair.west.node, INNER[4][1])  # or both ends would begin at once, and again after five seconds
    ways = [(*pair.ends, INNER[4][1]), (*pair.ends[::-1], INNER[6][0])] * 2

    def moved(number: int) -> Transfer:
        source, target, address = ways[number]
        return transfer(source.node, target.node, address, seconds=0.5, port=5201 + number)

    with ThreadPoolExecutor(len(ways)) as threads:
        assert all(each.intact and each.size > 200_000 for each in threads.map(moved, range(len(ways))))


@pytest.mark.parametrize("inner", [4, 6])
def test_datagrams_of_any_length(pair: Pair, inner: int):
    pair.reset()
    for (end, address), other in zip(sides(pair, inner), pair.ends[::-1], strict=True):
        with bound(other.node, address, 7000) as receiver, bound(end.node, "::" if inner == 6 else "", 0) as sender:
            for size in [*range(40), 100, 500, 1371, 1372, 1373, 1392, 1400, 3000, 65000]:
                sender.sendto(bytes(size), (address, 7000))
                assert receiver.recv(65535) == bytes(size)


def test_many_datagrams_arrive_once(pair: Pair):
    pair.reset()
    for (end, address), other in zip(sides(pair, 4), pair.ends[::-1], strict=True):
        assert answers(end.node, address)
        with load(end.node, other.node, address) as stream:
            for _ in range(20):
                stream.send(50)
                stream.await_all()
            assert stream.got == list(range(1000))


def test_a_large_mtu(pair: Pair):
    pair.reset()
    for end in pair.ends:
        end.node.set("eth0", mtu=LARGE + 80)
        end.node.set(end.name, mtu=LARGE)
    for inner in (4, 6):
        assert answers(pair.west.node, INNER[inner][1])
        moved = transfer(pair.west.node, pair.east.node, INNER[inner][1], seconds=0.3)
        assert moved.intact and moved.size > 1_000_000
    for end in pair.ends:
        end.node.set("eth0", mtu=1500)
        end.node.set(end.name, mtu=1420)


def test_padding_stays_within_the_mtu(pair: Pair):
    pair.reset()
    assert answers(pair.west.node, INNER[4][1])
    for end in pair.ends:
        end.node.set(end.name, mtu=1300)
    with (
        capture(pair.east.node, "eth0") as frames,
        bound(pair.east.node, INNER[4][1], 7000) as receiver,
        bound(pair.west.node, "", 0) as sender,
    ):

        def carried(size: int) -> set[int]:
            sender.sendto(bytes(size - 28), (INNER[4][1], 7000))
            assert len(receiver.recv(2048)) == size - 28
            return {len(payload) - 32 for _, payload in payloads(frames, pair.east.port) if len(payload) > 32}

        until(lambda: carried(1297) == {1300})  # the program may learn of the new MTU a little later
        assert carried(1280) == {1280}
        assert carried(1281) == {1296}
    for end in pair.ends:
        end.node.set(end.name, mtu=1420)


def test_padding_for_a_route_with_an_mtu_of_its_own(pair: Pair):
    """A program behind a TUN cannot see the route: its padding may pass the route's MTU, never the interface's."""
    require("ip")
    pair.reset()
    for end in pair.ends:
        end.node.set(end.name, mtu=1300)
    pair.west.node.run(["ip", "route", "add", f"{INNER[4][1]}/32", "dev", pair.west.name, "mtu", "1290"])
    with (
        capture(pair.east.node, "eth0") as frames,
        bound(pair.east.node, INNER[4][1], 7000) as receiver,
        bound(pair.west.node, "", 0) as sender,
    ):

        def carried(size: int) -> int:
            sender.sendto(bytes(size - 28), (INNER[4][1], 7000))
            assert len(receiver.recv(2048)) == size - 28
            return max(len(payload) - 32 for _, payload in payloads(frames, pair.east.port))

        until(lambda: carried(1289) == 1296)
        assert carried(1290) == 1296
    pair.west.node.run(["ip", "route", "del", f"{INNER[4][1]}/32"])
    for end in pair.ends:
        end.node.set(end.name, mtu=1420)


def test_counters_are_exact(pair: Pair):
    pair.reset()
    with bound(pair.east.node, INNER[4][1], 7000) as receiver, bound(pair.west.node, INNER[4][0], 7000) as sender:
        for here, there, address in ((sender, receiver, INNER[4][1]), (receiver, sender, INNER[4][0])):
            here.sendto(bytes(20), (address, 7000))  # 48 bytes, no padding
            assert there.recv(100) == bytes(20)
    initiation, response, data = 148, 92, 48 + 32
    west, east = pair.west.peer(pair.east), pair.east.peer(pair.west)
    assert (west.tx, west.rx) == (initiation + data, response + data)
    assert (east.tx, east.rx) == (response + data, initiation + data)
