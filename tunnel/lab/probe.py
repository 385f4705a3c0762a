"""Measure a path between two nodes with sockets of our own: an ICMP echo and a TCP transfer."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address

from tunnel.errors import LabError
from tunnel.lab.icmp import MARK, answered, echo_socket, request
from tunnel.lab.node import Node

BLOCK = bytes(range(256)) * 1024  # 256 KiB a send
PATIENCE_S = 5.0
LAST_S = 1.0  # for the answers to the last requests

Progress = Callable[[float], None]  # called with the share that is done, 0 to 1


@dataclass(frozen=True)
class Echoes:
    """The answers to ``sent`` echo requests: round-trip times in seconds, in order of sending."""

    sent: int
    rtts_s: tuple[float, ...]

    @property
    def median_s(self) -> float:
        """The median round-trip time; raises ``LabError`` where nothing came back."""
        if not self.rtts_s:
            raise LabError(f"none of {self.sent} echo requests was answered")
        return sorted(self.rtts_s)[len(self.rtts_s) // 2]


@dataclass(frozen=True)
class Transfer:
    """A one-way TCP transfer: what arrived, how long it took, and whether it was what was sent."""

    size: int
    seconds: float
    intact: bool

    @property
    def bits_s(self) -> float:
        """Throughput in bits a second, as the receiver saw it."""
        return 8 * self.size / self.seconds


def ping(node: Node, address: str, *, count: int, interval_s: float, progress: Progress = lambda share: None) -> Echoes:
    """Send ``count`` echo requests from a node, one each ``interval_s``, and wait for the answers.

    An answer counts however late it comes, the last ones' within a second.
    """
    version, mark = ip_address(address).version, os.urandom(MARK)
    asked: dict[int, float] = {}
    took: dict[int, float] = {}
    with echo_socket(node, version) as sock:
        for number in range(count):
            asked[number] = start = time.monotonic()
            sock.sendto(request(version, os.getpid(), number, mark), (address, 0))
            progress((number + 1) / count)
            _listen(sock, version, mark, asked, took, start + interval_s)
        if len(took) < count:
            _listen(sock, version, mark, asked, took, start + max(interval_s, LAST_S), count)
    return Echoes(count, tuple(took[number] for number in sorted(took)))


def transfer(
    source: Node, target: Node, address: str, *, seconds: float, port: int = 5201,
    progress: Progress = lambda share: None,
) -> Transfer:  # fmt: skip
    """Send over TCP from one node to ``address`` of another for so long; checksums of both ends are compared."""
    family = socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6
    with target.socket(family, socket.SOCK_STREAM) as listener, source.socket(family, socket.SOCK_STREAM) as sender:
        listener.bind((address, port))
        listener.listen(1)
        sender.settimeout(PATIENCE_S)
        try:
            sender.connect((address, port))
        except OSError as error:
            raise LabError(f"node {source.name}: connect to {address}: {error}") from error
        receiver = _Receiver(listener)
        receiver.start()
        sent = _pour(sender, seconds, progress)
        receiver.join()
    return Transfer(receiver.size, receiver.seconds, receiver.checksum == sent)


class _Receiver(threading.Thread):
    """Takes one connection to its end, counting and summing."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(name="receiver", daemon=True)
        self._listener = listener
        self.size = self.checksum = 0
        self.seconds = 0.0

    def run(self) -> None:
        """Until the sender closes."""
        connection, _ = self._listener.accept()
        room = memoryview(bytearray(1 << 20))
        start = time.monotonic()
        with connection:
            while got := connection.recv_into(room):
                self.size += got
                self.checksum = zlib.crc32(room[:got], self.checksum)
        self.seconds = time.monotonic() - start


def _pour(sender: socket.socket, seconds: float, progress: Progress) -> int:
    """Send for so long; the checksum of all that was sent."""
    checksum, start = 0, time.monotonic()
    while (spent := time.monotonic() - start) < seconds:
        sender.sendall(BLOCK)
        checksum = zlib.crc32(BLOCK, checksum)
        progress(spent / seconds)
    sender.shutdown(socket.SHUT_WR)
    progress(1.0)
    return checksum


def _listen(
    sock: socket.socket, version: int, mark: bytes, asked: dict[int, float], took: dict[int, float], until: float,
    enough: int | None = None,
) -> None:  # fmt: skip
    """Take answers until a time, or until there are ``enough``."""
    while len(took) != enough and select.select([sock], [], [], max(0.0, until - time.monotonic()))[0]:
        _, number = answered(version, sock.recv(2048), mark) or (-1, -1)
        if number in asked and number not in took:
            took[number] = time.monotonic() - asked[number]
