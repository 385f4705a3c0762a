"""Echo requests of many pairs at once, each node with one socket a family.

The kernel says when an answer came (SO_TIMESTAMPNS), so a round-trip time does not depend on how many
other answers were read first.
"""

from __future__ import annotations

import os
import resource
import select
import socket
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tunnel.lab.icmp import MARK, answered, echo_socket, request
from tunnel.lab.node import Node
from tunnel.lab.reach import Pair, Reach

SO_TIMESTAMPNS = 35  # include/uapi/asm-generic/socket.h; of the kernel's clock, CLOCK_REALTIME
ROOM = 4 << 20  # bytes of a socket's queues, as far as the system allows
LISTEN_EVERY = 32  # requests, lest answers overflow a queue while others are still asked
LARGEST = 2048

Progress = Callable[[float], None]  # called with the share that is done, 0 to 1


@dataclass
class Asked:
    """A pair and family on its way; times in nanoseconds of CLOCK_MONOTONIC, by number."""

    source: str
    target: str
    address: str
    version: int
    identifier: int
    asked: dict[int, int] = field(default_factory=dict)
    took: dict[int, int] = field(default_factory=dict)
    words: str | None = None

    def result(self) -> Reach:
        """What came of it."""
        rtts = tuple(sorted(time / 1e9 for time in self.took.values()))
        return Reach(self.source, self.target, self.address, len(self.asked), rtts, self.words)


class Echoes:
    """The sockets of a run, and whose answers they wait for."""

    def __init__(self, nodes: Mapping[str, Node], pairs: Sequence[Pair], addresses: dict[str, dict[int, str]]) -> None:
        self.asked: list[Asked] = []
        self._open_requests = 0
        self._mark = os.urandom(MARK)
        self._waiting: dict[tuple[str, int], dict[int, Asked]] = {}
        self._sockets: dict[tuple[str, int], socket.socket] = {}
        self._places: dict[int, tuple[str, int]] = {}
        self._poll = select.epoll()
        for source, target in pairs:
            for version in sorted(addresses[source].keys() & addresses[target].keys()):
                self._add(source, target, addresses[target][version], version)
        try:
            for place in self._waiting:
                self._open(nodes, place)
        except BaseException:
            self.close()
            raise

    def _add(self, source: str, target: str, address: str, version: int) -> None:
        waiting = self._waiting.setdefault((source, version), {})
        one = Asked(source, target, address, version, len(waiting))
        waiting[one.identifier] = one
        self.asked.append(one)

    def _open(self, nodes: Mapping[str, Node], place: tuple[str, int]) -> None:
        name, version = place
        sock = self._sockets[place] = echo_socket(nodes[name], version)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        self._places[sock.fileno()] = place
        self._poll.register(sock, select.EPOLLIN)

    def ask(self, number: int) -> None:
        """Sends the request of that number for every pair; answers are taken meanwhile."""
        for count, one in enumerate(self.asked, 1):
            sock = self._sockets[one.source, one.version]
            one.asked[number] = time.monotonic_ns()
            self._open_requests += 1
            try:
                sock.sendto(request(one.version, one.identifier, number, self._mark), (one.address, 0))
            except OSError as error:  # no route, the link is down, no room: that request is lost
                one.words = error.strerror
            if count % LISTEN_EVERY == 0:
                self.listen(0.0)

    def listen(self, seconds: float) -> None:
        """Takes what comes until that time is over, or every request so far is answered."""
        until = time.monotonic() + seconds
        while not self.all_answered():
            left = until - time.monotonic()
            for fd, _ in self._poll.poll(max(0.0, left)):
                self._take(fd)
            if left <= 0:
                return

    def all_answered(self) -> bool:
        """Whether nothing is open."""
        return self._open_requests == 0

    def _take(self, fd: int) -> None:
        place = self._places[fd]
        sock, waiting = self._sockets[place], self._waiting[place]
        while True:
            try:
                packet, ancillary, _, _ = sock.recvmsg(LARGEST, 64)
            except BlockingIOError:
                return
            now, wall = time.monotonic_ns(), time.time_ns()
            identifier, number = answered(place[1], packet, self._mark) or (-1, -1)
            one = waiting.get(identifier)
            if one is not None and number in one.asked and number not in one.took:
                one.took[number] = now - (wall - _stamp(ancillary, wall)) - one.asked[number]
                self._open_requests -= 1

    def close(self) -> None:
        """Closes every socket."""
        for sock in self._sockets.values():
            sock.close()
        self._poll.close()


def _stamp(ancillary: list[tuple[int, int, bytes]], now: int) -> int:
    """When the packet came, in nanoseconds of CLOCK_REALTIME; ``now`` where the kernel does not say."""
    for _, kind, content in ancillary:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", content[:16])
            return int(seconds * 1_000_000_000 + nanoseconds)
    return now


def ask_all(
    nodes: Mapping[str, Node], pairs: Sequence[Pair], addresses: dict[str, dict[int, str]], *,
    count: int, interval_s: float, timeout_s: float, progress: Progress = lambda share: None,
) -> list[Reach]:  # fmt: skip
    """What comes of ``count`` requests of each pair and family, one each ``interval_s``.

    Those to the last request count within ``timeout_s``, the others until then.
    """
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # two sockets a node
    echoes = Echoes(nodes, pairs, addresses)
    try:
        for number in range(count):
            start = time.monotonic()
            echoes.ask(number)
            progress((number + 1) / count)
            if number + 1 < count:
                echoes.listen(start + interval_s - time.monotonic())
                time.sleep(max(0.0, start + interval_s - time.monotonic()))
        echoes.listen(timeout_s)
    finally:
        echoes.close()
    return [one.result() for one in echoes.asked]

