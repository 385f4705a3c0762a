"""The numbers by which a namespace knows others in netlink messages: net/core/net_namespace.c."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Self

RTM_NEWNSID, RTM_GETNSID = 88, 90  # linux/rtnetlink.h
NETNSA_NSID, NETNSA_FD = 1, 3  # linux/net_namespace.h
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300  # linux/netlink.h
NLMSG_ERROR, NLMSG_DONE = 2, 3
UNASSIGNED = -1  # for RTM_NEWNSID: the kernel chooses
HEAD = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
FAMILY = struct.Struct("=B3x")  # rtgenmsg, padded
NUMBER = struct.Struct("=HHi")  # nlattr with four bytes
LARGEST_READ = 1 << 16  # a dump is sent in pieces of at most half of it


class Ids:
    """The ids that the thread's own namespace has given. Raises ``OSError`` for what the kernel refuses."""

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)

    def of(self, netns: int) -> int | None:
        """The id of the namespace behind a descriptor; None where it has none."""
        found = list(self._ask(RTM_GETNSID, NLM_F_ACK, (NETNSA_FD, netns)))
        return found[0] if found and found[0] >= 0 else None

    def give(self, netns: int, nsid: int) -> None:
        """Give the namespace behind a descriptor an id, for good; UNASSIGNED lets the kernel choose."""
        list(self._ask(RTM_NEWNSID, NLM_F_ACK, (NETNSA_FD, netns), (NETNSA_NSID, nsid)))

    def every(self) -> list[int]:
        """All ids, in order."""
        return sorted(self._ask(RTM_GETNSID, NLM_F_DUMP))

    def _ask(self, kind: int, flags: int, *numbers: tuple[int, int]) -> Iterator[int]:
        """The ids that the answer names."""
        body = FAMILY.pack(socket.AF_UNSPEC)
        body += b"".join(NUMBER.pack(NUMBER.size, what, value) for what, value in numbers)
        self._sock.send(HEAD.pack(HEAD.size + len(body), kind, NLM_F_REQUEST | flags, 0, 0) + body)
        while True:
            for told, message in _messages(self._sock.recv(LARGEST_READ)):
                if told == NLMSG_DONE:
                    return
                if told == NLMSG_ERROR:
                    _raise_unless_good(message)
                    return
                yield _id(message)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sock.close()


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while data:
        length, kind, *_ = HEAD.unpack_from(data)
        yield kind, data[HEAD.size : length]
        data = data[(length + 3) & ~3 :]


def _raise_unless_good(message: bytes) -> None:
    """Of a nlmsgerr, which begins with an errno; 0 is an acknowledgement."""
    number = -struct.unpack_from("=i", message)[0]
    if number:
        raise OSError(number, os.strerror(number))


def _id(message: bytes) -> int:
    place = FAMILY.size
    while place < len(message):
        length, kind, value = NUMBER.unpack_from(message, place)
        if kind == NETNSA_NSID:
            return int(value)
        place += (length + 3) & ~3
    return UNASSIGNED
