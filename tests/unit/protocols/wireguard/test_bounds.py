"""What strangers, and friends that go wrong, can make an interface spend: nothing without a bound."""

import gc
import ipaddress
import os
from hashlib import blake2s
from itertools import chain, count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.protocols.wireguard.ends import End, Net, packet
from tunnel.batch import Batch
from tunnel.handlers.wireguard import WireGuard
from tunnel.protocols.wireguard.constants import COOKIE_REPLY, ERASE, INITIATION, SECOND, Limits
from tunnel.protocols.wireguard.cookie import Stamper
from tunnel.secret import usage

SQUEEZED = Limits(rekey_ns=SECOND, reject_ns=6 * SECOND, retry_ns=SECOND // 2, keepalive_ns=SECOND, jitter_ns=0)
HERE = ("203.0.113.1", 1000)


def stamped(end, message):
    """The message with the mac of who knows the end's public key."""
    key = blake2s(b"mac1----" + end.public_key).digest()
    return message + blake2s(message, key=key, digest_size=16).digest() + bytes(16)


def initiation(end):
    """By a stranger: 148 bytes of which only the first mac is right."""
    return stamped(end, b"\1\0\0\0" + os.urandom(112))


def sources(count):
    """As many addresses and ports."""
    return [(str(ipaddress.ip_address("198.18.0.0") + number), 1000 + number % 7) for number in range(count)]


def flood(end, count):
    """As many strangers, each with an initiation, while nobody looks at what waits."""
    end.drive.put("underlay", [(initiation(end), source) for source in sources(count)])


def with_cookie(end, source):
    """What stamps as somebody at ``source`` does who has a cookie; the end is under load."""
    stamper, message = Stamper(end.public_key), b"\1\0\0\0" + os.urandom(144)
    end.fresh()
    end.drive.put("underlay", [(stamper.stamp(message, 0), source)])
    (reply,) = end.fresh()
    assert stamper.receive(reply, 0)
    return lambda: (stamper.stamp(b"\1\0\0\0" + os.urandom(144), 0), source)


def secret_bytes():
    """In use for keys, by whatever is not garbage."""
    gc.collect()
    return usage()[0]


def taken(end, messages):
    """How many of the messages are taken into the queue, put in one by one."""
    before = end.handler.interface.waiting
    end.drive.put("underlay", messages)
    return end.handler.interface.waiting - before


def test_a_flood_of_strangers_fills_nothing():
    end = End(1)
    secrets = secret_bytes()
    flood(end, 5000)
    assert end.handler.interface.waiting == 128
    assert end.drive.drops == {"UNDER_LOAD": 4872}
    assert len(end.drive.out["underlay"]) <= 101
    assert {len(reply) for reply in end.fresh()} == {64}
    end.drive.advance(2)
    assert (end.handler.interface.waiting, len(end.handler.interface.indices), secret_bytes()) == (0, 0, secrets)


def test_the_queue_ends_at_1024():
    net = Net(path=lambda *_: [])
    net.send(net.a)
    ((_, asked),) = net.seen
    reply = bytes((COOKIE_REPLY, 0, 0, 0)) + asked[4:8] + bytes(56)
    net.a.drive.put("underlay", [(reply, source) for source in sources(3000)])
    assert net.a.handler.interface.waiting == 1024
    assert net.a.drive.drops == {"HANDSHAKES_FULL": 1976}
    net.a.drive.advance(0)
    assert net.a.handler.interface.waiting == 0


def test_2000_cookies_a_second_at_most():
    end = End(1)
    flood(end, 128)
    for _ in range(100):
        flood(end, 200)
        end.clock.advance(0.01)
    replies = end.fresh()
    assert {reply[0] for reply in replies} == {COOKIE_REPLY}
    assert 2000 <= len(replies) <= 2101


def test_one_that_floods_leaves_the_others_their_cookies():
    end = End(1)
    flood(end, 128)
    end.fresh()
    end.drive.put("underlay", [(initiation(end), HERE) for _ in range(5000)])
    assert len(end.fresh()) == 5
    end.drive.put("underlay", [(initiation(end), ("203.0.113.2", 1000))])
    assert len(end.fresh()) == 1


@pytest.mark.parametrize("source", [HERE, ("2001:db8::1", 1000)])
def test_20_a_second_5_at_once_of_one_source(source):
    end = End(1)
    flood(end, 128)
    end.clock.advance(0.1)
    message = with_cookie(end, source)
    assert taken(end, [message() for _ in range(30)]) == 5
    assert end.drive.drops["RATE"] == 25
    passed = 0
    for _ in range(200):
        end.clock.advance(0.01)
        passed += taken(end, [message()])
    assert 39 <= passed <= 41


def test_an_ipv6_source_is_64_bits():
    end = End(1)
    flood(end, 128)
    end.clock.advance(0.1)
    near, beside, elsewhere = (with_cookie(end, (address, 1000)) for address in
                               ("2001:db8::1", "2001:db8::2:3:4:5", "2001:db8:0:1::1"))  # fmt: skip
    assert taken(end, [near() for _ in range(5)]) == 5
    assert taken(end, [beside() for _ in range(5)]) == 0
    assert taken(end, [elsewhere() for _ in range(5)]) == 5


def test_a_cookie_is_of_its_address_alone():
    end = End(1)
    flood(end, 128)
    end.clock.advance(0.1)
    message = with_cookie(end, HERE)
    assert taken(end, [(message()[0], ("203.0.113.2", 1000)), (message()[0], ("203.0.113.1", 1001))]) == 0
    assert taken(end, [message()]) == 1


def test_handshakes_take_a_millisecond_of_a_tick():
    """By a clock that goes on by 0.1 ms whenever it is read."""
    readings = iter(range(0, 10**12, 100_000))
    end = End(1, clock_ns=lambda: next(readings))
    flood(end, 100)
    left = []
    while end.handler.interface.waiting:
        next_ns = end.handler.tick(end.clock.now_ns, Batch())
        left.append(end.handler.interface.waiting)
        assert bool(left[-1]) == (0 < next_ns <= end.clock.now_ns)
    assert left == [89, 78, 67, 56, 45, 34, 23, 12, 1, 0]


def test_handshakes_that_we_begin_share_it_the_first_to_ask_first():
    readings = iter(range(0, 10**12, 100_000))
    end = End(1, clock_ns=lambda: next(readings))
    for number in range(2, 42):
        peer = end.handler.add_peer(bytes([number]) * 32)
        peer.endpoint = f"192.0.2.{number}:1"
        peer.allow(bytes((10, 0, 0, number)), 32)
    end.drive.put("overlay", [packet(1, number) for number in range(2, 42)])
    begun = []
    while 0 < end.handler.tick(end.clock.now_ns, batch := Batch()) <= end.clock.now_ns:
        begun.append([p.endpoint for p in batch])
    assert [len(some) for some in begun] == [11, 11, 11]
    assert [*chain.from_iterable(begun)] == [(f"192.0.2.{number}", 1) for number in range(2, 35)]


def test_timers_share_it_and_are_all_served():
    readings = count(0, 400_000)
    end = End(1, clock_ns=lambda: next(readings))
    peers = [end.handler.add_peer(number.to_bytes(32, "big")) for number in range(1, 11)]
    for peer in peers:
        peer.arm(ERASE, SECOND)
    left: list[int] = []
    while (due := sum(peer.due_ns(ERASE) > 0 for peer in peers)) and len(left) < 10:
        left.append(due)
        end.handler.interface.tick(SECOND, Batch())
    assert left == [10, 7, 4, 1]


def test_the_65537th_peer_is_refused():
    handler = WireGuard()
    for number in range(65_536):
        handler.add_peer(number.to_bytes(32))
    with pytest.raises(OverflowError, match="65536 peers"):
        handler.add_peer(bytes([255]) * 32)
    assert len(handler.peers) == 65_536
    handler.remove_peer((7).to_bytes(32))
    assert handler.add_peer(bytes([255]) * 32).slot == 7


def test_what_waits_for_sessions_is_32_mib():
    end = End(1)
    for number in range(2, 8):
        peer = end.handler.add_peer(bytes([number]) * 32)
        peer.endpoint = "192.0.2.2:1"
        peer.allow(bytes((10, 0, 0, number)), 32)
    for number in range(2, 8):
        end.drive.put("overlay", [packet(1, number, bytes(60_000))] * 128)
    held = end.handler.counts()["held"]
    assert end.drive.drops == {"HELD_FULL": 6 * 128 - held["packets"]}
    assert 24 << 20 < held["bytes"] <= 32 << 20
    end.handler.down()
    assert end.drive.held == 0


def test_many_rekeys_leave_no_index_and_no_key():
    net = Net(SQUEEZED)
    secrets = secret_bytes()
    for number in range(200):
        net.send(net.a, b"%d" % number)
        net.run(1.1)
        for end in (net.a, net.b):
            assert len(end.handler.interface.indices) <= 3
    assert len(net.b.delivered) == 200
    assert net.kinds(net.a).count(INITIATION) > 150
    net.run(20)
    assert [len(end.handler.interface.indices) for end in (net.a, net.b)] == [0, 0]
    assert secret_bytes() == secrets


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_in_any_order_each_message_is_delivered_once(data):
    net = Net()
    net.send(net.a)
    count = data.draw(st.integers(1, 200))
    net.a.drive.put("overlay", [packet(1, 2, b"%d" % number) for number in range(count)])
    messages = net.a.fresh()
    order = data.draw(st.lists(st.integers(0, count - 1), max_size=300))
    while order:
        some = data.draw(st.integers(1, len(order)))
        net.b.drive.put("underlay", [(messages[number], net.a.address) for number in order[:some]])
        order, done = order[some:], order[:some]
        net.seen += [(net.a, messages[number]) for number in done]
    arrived = [message for _, message in net.seen if message in messages]
    expected = [packet(1, 2, b"%d" % messages.index(message)) for message in dict.fromkeys(arrived)]
    assert net.b.delivered[1:] == expected
