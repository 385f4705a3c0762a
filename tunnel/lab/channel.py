"""Messages with file descriptors over a Unix socket, between a lab and its holder.

A message is one JSON value in one SOCK_SEQPACKET packet: the kernel keeps the bounds, and an end of
file is a packet of no bytes. Descriptors travel beside it (SCM_RIGHTS).
"""

from __future__ import annotations

import json
import os
import socket
from array import array
from collections.abc import Sequence
from typing import Any

LARGEST = 128 * 1024  # bytes of one message; a packet must fit into the send buffer (212,992 by default)
MOST_FDS = 8
ROOM = socket.CMSG_LEN(MOST_FDS * array("i").itemsize)


class Channel:
    """One end; it owns ``sock``. A received descriptor belongs to the receiver and is close-on-exec."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, message: Any, fds: Sequence[int] = ()) -> None:
        """Sends one message; ``ValueError`` where it is too long, ``OSError`` where the peer is gone."""
        packet = json.dumps(message).encode()
        if len(packet) > LARGEST:
            raise ValueError(f"a message of {len(packet)} bytes: at most {LARGEST} fit")
        socket.send_fds(self._sock, [packet], fds)

    def receive(self) -> tuple[Any, list[int]]:
        """The next message and its descriptors; ``EOFError`` where the peer is gone."""
        # socket.recv_fds() ignores its flags, and a descriptor open for a moment is open to a fork.
        packet, ancillary, flags, _ = self._sock.recvmsg(LARGEST, ROOM, socket.MSG_CMSG_CLOEXEC)
        fds = array("i")
        for _, _, content in ancillary:
            fds.frombytes(content)
        if not packet:
            raise EOFError("the other end is closed")
        if flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            for fd in fds:
                os.close(fd)
            raise ValueError(f"a message was cut: more than {LARGEST} bytes or {MOST_FDS} descriptors")
        return json.loads(packet), fds.tolist()

    def fileno(self) -> int:
        """The descriptor, to wait for a message."""
        return self._sock.fileno()

    def end(self) -> None:
        """Makes both ends see the end of the messages; a signal handler may call it."""
        self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes this end; idempotent."""
        self._sock.close()
