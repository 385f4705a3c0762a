from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tunnel.lab import channel
from tunnel.lab.channel import Channel


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    left, right = map(Channel, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    yield left, right
    left.close()
    right.close()


def open_descriptors() -> int:
    gc.collect()  # what other tests have left may go at any time
    return len(list(Path("/proc/self/fd").iterdir()))


def test_messages_keep_their_bounds_and_order(ends: tuple[Channel, Channel]) -> None:
    left, right = ends
    sent = [{"op": "node", "node": "ü"}, None, [1, 2.5, "x" * 60_000]]
    for message in sent:
        left.send(message)
    assert [right.receive() for _ in sent] == [(message, []) for message in sent]


def test_a_descriptor_arrives_close_on_exec(ends: tuple[Channel, Channel], tmp_path: Path) -> None:
    left, right = ends
    file = tmp_path / "file"
    file.write_text("through")
    with file.open() as opened:
        left.send("here", [opened.fileno()])
    message, fds = right.receive()
    assert (message, len(fds), os.get_inheritable(fds[0])) == ("here", 1, False)
    with os.fdopen(fds[0]) as arrived:
        assert arrived.read() == "through"


def test_the_end(ends: tuple[Channel, Channel]) -> None:
    left, right = ends
    left.send("last")
    left.close()
    assert right.receive() == ("last", [])
    with pytest.raises(EOFError):
        right.receive()
    with pytest.raises(BrokenPipeError):
        right.send("too late")


@pytest.mark.parametrize("size", [channel.LARGEST - 2, channel.LARGEST - 1, 10 * channel.LARGEST])
def test_a_message_may_be_larger_than_a_packet(ends: tuple[Channel, Channel], size: int) -> None:
    left, right = ends
    before = open_descriptors()
    left.send("x" * size, [0])
    message, fds = right.receive()
    assert (message, len(fds)) == ("x" * size, 1)
    os.close(fds[0])
    assert open_descriptors() == before


def test_too_many_descriptors_are_refused_and_none_is_kept(ends: tuple[Channel, Channel]) -> None:
    left, right = ends
    before = open_descriptors()
    left.send("many", [0] * (channel.MOST_FDS + 1))
    with pytest.raises(ValueError, match="descriptors"):
        right.receive()
    assert open_descriptors() == before


def test_one_end_ends_both(ends: tuple[Channel, Channel]) -> None:
    left, right = ends
    left.end()
    for end in ends:
        with pytest.raises(EOFError):
            end.receive()
    right.end()


def test_closing_twice(ends: tuple[Channel, Channel]) -> None:
    left, _ = ends
    left.close()
    left.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        left.receive()
