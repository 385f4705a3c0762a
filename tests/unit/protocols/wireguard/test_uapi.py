"""The configuration protocol: every key, every error and its number, and any way to cut the bytes."""

from __future__ import annotations

import errno
import logging
from itertools import pairwise
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.protocols.wireguard.uapi_device import Device
from tunnel.protocols.wireguard.uapi import LINE_MAX, Conversation

A, B, C = (bytes([number]) * 32 for number in (1, 2, 3))
ZERO = bytes(32)


def talk(device: Device, *pieces: str) -> tuple[str, bool]:
    """What is answered, and whether the connection is at its end."""
    conversation, found = Conversation(device), b""
    for piece in pieces:
        if not conversation.ended:
            found += b"".join(conversation.receive(piece.encode()))
    return found.decode(), conversation.ended


def set_(device: Device, *lines: str) -> int:
    """The error number that a set is answered with."""
    text, ended = talk(device, "".join(f"{line}\n" for line in ("set=1", *lines, "")))
    assert text.startswith("errno=") and text.endswith("\n\n") and text.count("\n") == 2 and not ended
    return int(text.strip().removeprefix("errno="))


def get(device: Device) -> list[str]:
    text, ended = talk(device, "get=1\n\n")
    assert text.endswith("errno=0\n\n") and not ended
    return text.removesuffix("errno=0\n\n").splitlines()


def peer_(key: bytes) -> str:
    return f"public_key={key.hex()}"


def test_an_empty_device():
    assert get(Device()) == []


def test_everything_that_is_set_is_got():
    device = Device()
    lines = [
        f"private_key={C.hex()}", "listen_port=51820", "fwmark=4294967295", "replace_peers=true",
        peer_(A), f"preshared_key={B.hex()}", "endpoint=[fe80::1%eth0]:51820", "persistent_keepalive_interval=65535",
        "replace_allowed_ips=true", "allowed_ip=10.0.0.7/8", "allowed_ip=fd00::1/64", "protocol_version=1",
        peer_(B),
    ]  # fmt: skip
    assert set_(device, *lines) == 0
    device.peers[A].last_handshake, device.peers[A].tx_bytes, device.peers[A].rx_bytes = (5, 6), 7, 8
    assert device.told == [A, B]
    assert get(device) == [
        f"private_key={C.hex()}", "listen_port=51820", "fwmark=4294967295",
        peer_(A), f"preshared_key={B.hex()}", "protocol_version=1", "endpoint=[fe80::1%eth0]:51820",
        "last_handshake_time_sec=5", "last_handshake_time_nsec=6", "tx_bytes=7", "rx_bytes=8",
        "persistent_keepalive_interval=65535", "allowed_ip=10.0.0.0/8", "allowed_ip=fd00::/64",
        peer_(B), f"preshared_key={ZERO.hex()}", "protocol_version=1",
        "last_handshake_time_sec=0", "last_handshake_time_nsec=0", "tx_bytes=0", "rx_bytes=0",
        "persistent_keepalive_interval=0",
    ]  # fmt: skip


def test_zero_takes_away():
    device = Device()
    assert set_(device, f"private_key={C.hex()}", "listen_port=1", "fwmark=1") == 0
    assert set_(device, f"private_key={ZERO.hex()}", "listen_port=0", "fwmark=0") == 0
    assert (device.private_key, device.listen_port, device.fwmark) == (None, 0, 0)


def test_prefixes_come_and_go():
    device = Device()
    assert set_(device, peer_(A), "allowed_ip=10.0.0.0/8", "allowed_ip=0.0.0.0/0", "allowed_ip=::/0") == 0
    assert set_(device, peer_(A), "allowed_ip=-10.0.0.0/8", "allowed_ip=-fd00::/8") == 0
    assert device.peers[A].allowed_ips == [(bytes(4), 0), (bytes(16), 0)]
    assert set_(device, peer_(A), "replace_allowed_ips=true", "allowed_ip=10.1.0.0/16") == 0
    assert device.peers[A].allowed_ips == [(b"\x0a\x01\0\0", 16)]


def test_peers_come_and_go():
    device = Device()
    assert set_(device, peer_(A), peer_(B)) == 0
    assert set_(device, peer_(C), "remove=true", peer_(A), "remove=true", "persistent_keepalive_interval=1") == 0
    assert [*device.peers] == [B]
    assert set_(device, "replace_peers=true", peer_(A)) == 0
    assert [*device.peers] == [A]


@pytest.mark.parametrize("before", [(), ("persistent_keepalive_interval=1",)])
def test_update_only_makes_nobody(before: tuple[str, ...]):
    device = Device()
    assert set_(device, peer_(A)) == 0
    assert set_(device, peer_(A), *before, "update_only=true", "allowed_ip=10.0.0.0/8") == 0
    assert set_(device, peer_(B), *before, "update_only=true", "allowed_ip=10.0.0.0/8") == 0
    assert [*device.peers] == [A] and device.peers[A].allowed_ips == [(b"\x0a\0\0\0", 8)]
    assert device.told == [A, A]


def test_our_own_key_is_passed_over_with_its_lines():
    device = Device()
    own = C[:-1] + b"\7"
    lines = (peer_(own[::-1]), "allowed_ip=10.0.0.0/8", "endpoint=192.0.2.1:1", f"preshared_key={A.hex()}", peer_(A))
    assert set_(device, f"private_key={own.hex()}", *lines) == 0
    assert [*device.peers] == [A]


WRONG = {
    "device part": ["x=1", "public_key=", "private_key=00", f"private_key={'0' * 63}g", f"private_key= {'0' * 63}",
                    "listen_port=65536", "listen_port=-1", "listen_port=", "listen_port=1_0", "listen_port=+1",
                    "listen_port=\u00b2", "fwmark=4294967296", "fwmark=0x1", "replace_peers=false", "replace_peers=1",
                    "endpoint=192.0.2.1:1", "get=1", "=", "allowed_ip=10.0.0.0/8", "protocol_version=1"],
    "peer part": ["x=1", "listen_port=1", "remove=false", "update_only=", "preshared_key=", "preshared_key=zz",
                  "endpoint=192.0.2.1", "persistent_keepalive_interval=65536", "persistent_keepalive_interval=off",
                  "replace_allowed_ips=yes", "allowed_ip=", "allowed_ip=10.0.0.0", "allowed_ip=10.0.0.0/33",
                  "allowed_ip=10.0.0/8", "allowed_ip=::/129", "allowed_ip=fe80::1%1/64", "allowed_ip=--1.0.0.0/8",
                  "allowed_ip=10.0.0.0/+8", "allowed_ip=10.0.0.0/8/8", "allowed_ip=01.0.0.0/8", "protocol_version=2",
                  f"public_key={A.hex()}"],
}  # fmt: skip


@pytest.mark.parametrize(("part", "line"), [(part, line) for part, lines in WRONG.items() for line in lines])
def test_a_wrong_line_is_einval_and_what_came_before_stays(part: str, line: str):
    device = Device()
    before = ("fwmark=7", peer_(A), "allowed_ip=10.0.0.0/8") if part == "peer part" else ("fwmark=7",)
    assert set_(device, *before, line, "fwmark=8", peer_(B)) == -errno.EINVAL
    assert device.fwmark == 7
    assert device.told == [*device.peers] == [A][: len(before) // 2]


@pytest.mark.parametrize(
    ("lines", "number"),
    [
        (["no value"], errno.EPROTO),
        ([peer_(A), "no value"], errno.EPROTO),
        (["listen_port=99"], errno.EADDRINUSE),
        (["listen_port=1", "listen_port=1"], errno.EINVAL),
        ([peer_(A), "remove=true", "remove=true"], errno.EINVAL),
        ([peer_(A), peer_(B), peer_(C)], errno.ENOANO),
        ([peer_(A), peer_(B), peer_(C), "remove=true"], 0),
        ([peer_(A), peer_(B), peer_(C), "endpoint=192.0.2.1:1"], errno.ENOANO),
    ],
)
def test_other_errors(lines: list[str], number: int):
    assert set_(Device(room=2), *lines) == -number


def test_a_mark_that_cannot_be_set():
    class Unmarked(Device):
        @property
        def fwmark(self) -> int:
            return 0

        @fwmark.setter
        def fwmark(self, number: int) -> None:
            if number:
                raise PermissionError

    assert set_(Unmarked(), "fwmark=1") == -errno.EADDRINUSE


def test_an_error_is_logged_without_its_text(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.DEBUG):
        assert set_(Device(room=0), peer_(A)) == -errno.ENOANO
    assert "MemoryError" in caplog.text and A.hex() not in caplog.text


@pytest.mark.parametrize("line", ["", "get=2", "set=0", "set=1 ", "hello", "errno=0"])
def test_an_operation_that_is_not_known_ends_it(line: str):
    assert talk(Device(), "get=1\n\n" + line + "\nget=1\n\n") == ("errno=0\n\n", True)


def test_an_extra_line_behind_get():
    assert talk(Device(), "get=1\nx\ny=z\n\nget=1\n\n") == ("errno=22\n\nerrno=0\n\n", False)


def test_after_a_refused_set_the_next_message_counts():
    device = Device()
    assert talk(device, "set=1\nx\nfwmark=1\n\nset=1\nfwmark=2\n\n") == ("errno=-71\n\nerrno=0\n\n", False)
    assert device.fwmark == 2


@pytest.mark.parametrize("end", ["", "\n\n"])
def test_an_overlong_line_ends_it(end: str):
    device = Device()
    assert talk(device, "set=1\nfwmark=7\nprivate_key=" + "0" * LINE_MAX + end) == ("errno=-22\n\n", True)
    assert device.fwmark == 7
    assert talk(device, "0" * (LINE_MAX + 1) + end) == ("", True)


def test_a_set_that_is_broken_off():
    device = Device()
    conversation = Conversation(device)
    assert b"".join(conversation.receive(f"set=1\n{peer_(A)}\nfwma".encode())) == b""
    assert conversation.end() == b"errno=-5\n\n"
    assert device.told == [A] and conversation.ended
    assert Conversation(device).end() == b""


MESSAGES = (
    f"set=1\nprivate_key={C.hex()}\nlisten_port=5\n{peer_(A)}\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::/8\n\n"
    f"get=1\n\nset=1\n{peer_(A)}\nallowed_ip=10.0.0.0\n{peer_(B)}\n\nset=1\n{peer_(B)}\n\nget=1\n\nget=1\nx\n\nbye\n"
)


@given(st.lists(st.integers(0, len(MESSAGES)), max_size=20))
def test_however_it_is_cut(cuts: list[int]):
    whole, pieces = Device(), Device()
    places = [0, *sorted(cuts), len(MESSAGES)]
    cut = [MESSAGES[start:end] for start, end in pairwise(places)]
    assert talk(pieces, *cut) == talk(whole, MESSAGES)
    assert get(pieces) == get(whole)


@given(st.binary(max_size=300), st.sampled_from(["", "set=1\n", "get=1\n", f"set=1\n{peer_(A)}\n"]))
def test_whatever_comes_is_answered_or_the_end(data: bytes, before: str):
    conversation = Conversation(Device())
    found = b"".join(conversation.receive(before.encode()))
    if not conversation.ended:
        found += b"".join(conversation.receive(data + b"\n\n"))
    assert conversation.ended or found.endswith(b"\n\n")


def test_many_prefixes_go_in_slices():
    device = Device()
    prefixes = [f"allowed_ip={a}.{b}.0.0/16\nallowed_ip=fd{a:02x}:{b:x}::/32\n" for a in range(255) for b in range(256)]
    text = f"set=1\n{peer_(A)}\n{''.join(prefixes)}\n".encode()
    conversation, steps = Conversation(device), []
    for start in range(0, len(text), 1 << 16):
        steps += timed(conversation, text[start : start + (1 << 16)])
    assert len(device.peers[A].prefixes) == 130_560
    assert b"".join(answer for answer, _ in steps) == b"errno=0\n\n"
    shown = timed(conversation, b"get=1\n\n")
    assert sum(answer.count(b"allowed_ip") for answer, _ in shown) == 130_560
    assert len(steps) > 1000 and len(shown) > 1000
    median = sorted(seconds for _, seconds in steps + shown)[len(steps + shown) // 2]
    assert median < 0.001


def timed(conversation: Conversation, data: bytes) -> list[tuple[bytes, float]]:
    """Each slice and its seconds."""
    found, began = [], perf_counter()
    for answer in conversation.receive(data):
        found.append((answer, perf_counter() - began))
        began = perf_counter()
    return found
