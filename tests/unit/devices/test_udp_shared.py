"""Udp in several workers: sockets of one port."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tunnel.batch import Batch
from tunnel.devices.udp import Udp
from tunnel.errors import ConfigError, DeviceError

SENDERS = 32


@contextmanager
def opened(device: Udp, count: int) -> Iterator[list[Udp]]:
    with ExitStack() as stack:
        yield [stack.enter_context(queue) for queue in device.queues(count)]


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "[::]:0"])
def test_a_port_for_all_and_a_sender_for_each(listen: str):
    with opened(Udp(listen=listen), 2) as queues, ExitStack() as stack:
        (port,) = {queue.address[1] for queue in queues}
        local = "127.0.0.1" if "." in listen else "::1"
        family = socket.AF_INET if "." in listen else socket.AF_INET6
        senders = [stack.enter_context(socket.socket(family, socket.SOCK_DGRAM)) for _ in range(SENDERS)]
        for number in range(3):
            for sender in senders:
                sender.sendto(bytes([number]), (local, port))
        heard: list[dict[object, list[int]]] = []
        for queue in queues:
            found: dict[object, list[int]] = {}
            heard.append(found)
            while queue.recv(batch := Batch()):
                for p in batch:
                    found.setdefault(p.endpoint, []).append(p.data[0])
    assert all(heard), "both have work"
    assert not heard[0].keys() & heard[1].keys()
    assert [*heard[0].values(), *heard[1].values()] == [[0, 1, 2]] * SENDERS


def test_a_port_that_somebody_else_has_is_refused_even_if_he_would_share_it():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(DeviceError, match="Address already in use") as caught, opened(Udp(listen=listen), 2):
            pass
        assert caught.value.errno == errno.EADDRINUSE
        with opened(Udp(listen=listen, reuse_port=True), 2) as queues:
            assert {queue.address[1] for queue in queues} == {taken.getsockname()[1]}


def test_an_inherited_socket_is_one():
    with pytest.raises(ConfigError, match="an inherited socket is one, expected workers = 1"):
        Udp(fd=0).queues(2)


def test_leaving_leaves_the_port_to_others():
    with opened(Udp(listen="127.0.0.1:0"), 2) as (one, other), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        one.leave()
        sock.sendto(b"x", ("127.0.0.1", other.address[1]))
        assert (one.fd, other.recv(Batch())) == (-1, 1)
