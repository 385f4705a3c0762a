from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from tunnel.lab import holder
from tunnel.lab.channel import Channel
from tunnel.lab.remedies import failure
from tunnel.lab.rtnl import Refused


class Holding:
    """Nothing is held."""

    kept = ended = False
    listener = None


class Ending:
    """It never comes; ``parent`` is set by a lab that is kept."""

    parent = None

    def __init__(self) -> None:
        self.fd = os.eventfd(0)


class Requests:
    """Answers by what is asked for."""

    holding = Holding()

    def speaking(self) -> dict[int, Any]:
        """No program runs."""
        return {}

    def answer(self, request: dict[str, Any], fds: list[int]) -> tuple[Any, list[int]]:
        """A value, a descriptor or a refusal."""
        match request["op"]:
            case "value":
                return request["x"], []
            case "pipe":
                read, write = os.pipe()
                os.close(write)
                return None, [read]
            case "refused":
                raise OSError(errno.EPERM, "Operation not permitted", "/dev/net/tun")
        raise KeyError(request["op"])


@pytest.fixture
def parent() -> Iterator[Channel]:
    ours, theirs = map(Channel, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))

    ending: Any = Ending()
    requests: Any = Requests()
    thread = Thread(target=holder.Clients(theirs, requests, ending).serve)
    thread.start()
    yield ours
    ours.close()
    thread.join()
    theirs.close()
    os.close(ending.fd)


def ask(parent: Channel, **request: Any) -> tuple[Any, list[int]]:
    parent.send(request)
    return parent.receive()


def test_a_value(parent: Channel) -> None:
    assert ask(parent, op="value", x=[1, "two"]) == ({"value": [1, "two"]}, [])


def test_a_descriptor_is_handed_over(parent: Channel) -> None:
    reply, fds = ask(parent, op="pipe")
    assert (reply, os.read(fds[0], 1)) == ({"value": None}, b"")
    os.close(fds[0])


def test_a_refusal_costs_one_request(parent: Channel) -> None:
    refused = {"errno": errno.EPERM, "words": "/dev/net/tun: Operation not permitted"}
    assert ask(parent, op="refused")[0] == refused
    assert ask(parent, op="nonsense")[0] == {"errno": 0, "words": "KeyError: 'nonsense'"}
    assert ask(parent, op="value", x=1)[0] == {"value": 1}


def test_the_kernel_s_own_words_are_told() -> None:
    told = failure(Refused(errno.ENODEV, "Device does not exist", 7))
    assert told == {"errno": errno.ENODEV, "words": "Device does not exist", "step": 7}
