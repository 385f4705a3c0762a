"""A conversation with the rtnetlink of one namespace: many requests a send, their answers in order.

1. ``put`` takes an encoded request (``tunnel.lab.messages``) and what it is for.
2. ``flush`` sends all that wait, as few system calls as can be, and reads an acknowledgement for each. The
   kernel serves them in order, and goes on behind one that it refuses.
3. ``ask`` is for questions: what the kernel answered, undecoded.

Each acknowledgement occupies the receive buffer as a whole packet would (212,992 bytes by default), so at
most ``AT_ONCE`` are under way.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from typing import Any, Self

from tunnel.lab.attributes import EXTENDED_ACK
from tunnel.lab.messages import HEADER

NLMSG_ERROR, NLMSG_DONE = 2, 3  # include/uapi/linux/netlink.h
F_CAPPED, F_ACK_TLVS = 0x100, 0x200
SOL_NETLINK, NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK = 270, 10, 11, 12
AT_ONCE = 64
ANSWER_SIZE = 64 * 1024
PATIENCE_S = 30.0  # a request may wait for a lock that the removal of a thousand namespaces holds


class Refused(OSError):
    """What the kernel refused: its number and words; ``what`` was given to ``put``."""

    def __init__(self, number: int, words: str, what: Any) -> None:
        super().__init__(number, words)
        self.what = what


class Conversation:
    """One socket, of the namespace in which the thread stands when it is made."""

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
        for option in (NETLINK_CAP_ACK, NETLINK_EXT_ACK, NETLINK_GET_STRICT_CHK):
            self._sock.setsockopt(SOL_NETLINK, option, 1)
        self._sock.settimeout(PATIENCE_S)
        self._waiting: list[tuple[bytes, Any]] = []
        self._number = 0

    def put(self, request: bytes, what: Any = None) -> None:
        """Takes a request along with the next ``flush``."""
        self._waiting.append((request, what))

    def flush(self) -> None:
        """Sends what waits; raises ``Refused`` for the first that the kernel refused, once all are answered."""
        waiting, self._waiting = self._waiting, []
        refused = [self._exchange(waiting[at : at + AT_ONCE]) for at in range(0, len(waiting), AT_ONCE)]
        for one in refused:
            if one is not None:
                raise one

    def forget(self) -> None:
        """Drops what was put and not sent."""
        self._waiting = []

    def do(self, request: bytes, what: Any = None) -> None:
        """``put`` and ``flush``."""
        self.put(request, what)
        self.flush()

    def ask(self, request: bytes, what: Any = None) -> list[bytes]:
        """The messages that answer a question, each with its header; ``Refused`` where it is an error."""
        self.flush()
        number = self._send([request])
        found: list[bytes] = []
        while True:
            for message, kind, flags, answered in self._received():
                if answered != number:
                    continue
                if kind == NLMSG_ERROR and (refused := _refusal(message, what)):
                    raise refused
                if kind in (NLMSG_DONE, NLMSG_ERROR):
                    return found
                found.append(message)
                if not flags & 0x2:  # NLM_F_MULTI
                    return found

    def close(self) -> None:
        """Ends it; idempotent."""
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _exchange(self, some: list[tuple[bytes, Any]]) -> Refused | None:
        first = self._send([request for request, _ in some])
        refused, left = None, len(some)
        while left:
            for message, kind, _, number in self._received():
                if kind == NLMSG_ERROR and 0 <= number - first < len(some):
                    left -= 1
                    refused = refused or _refusal(message, some[number - first][1])
        return refused

    def _send(self, requests: list[bytes]) -> int:
        """Sends requests under numbers of their own; the first number."""
        first = self._number + 1
        self._number += len(requests)
        buffer = bytearray().join(requests)
        at = 0
        for number, request in enumerate(requests, first):
            struct.pack_into("=I", buffer, at + 8, number)
            at += len(request)
        self._sock.send(buffer)
        return first

    def _received(self) -> Iterator[tuple[bytes, int, int, int]]:
        """The messages of one datagram: itself, its kind, flags and number."""
        buffer = self._sock.recv(ANSWER_SIZE)
        at = 0
        while at < len(buffer):
            size, kind, flags, number, _ = HEADER.unpack_from(buffer, at)
            yield buffer[at : at + size], kind, flags, number
            at += (size + 3) & ~3


def _refusal(message: bytes, what: Any) -> Refused | None:
    """What an acknowledgement says; None where it is good (struct nlmsgerr)."""
    number = -struct.unpack_from("=i", message, HEADER.size)[0]
    if not number:
        return None
    flags = HEADER.unpack_from(message)[2]
    own = HEADER.size + 4  # the refused request's header follows, and without F_CAPPED the rest of it
    asked = HEADER.size if flags & F_CAPPED else HEADER.unpack_from(message, own)[0]
    told = EXTENDED_ACK.read(message, own + asked) if flags & F_ACK_TLVS else {}
    return Refused(number, told.get("NLMSGERR_ATTR_MSG") or os.strerror(number), what)
