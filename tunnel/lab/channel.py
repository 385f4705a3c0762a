"""Messages with file descriptors over a Unix socket, between a lab and its holder.

A message is one JSON value in one SOCK_SEQPACKET packet: the kernel keeps the bounds, and an end of
file is a packet of no bytes. Descriptors travel beside it (SCM_RIGHTS); a message that is too large for a
packet lies in a file in memory, which is the last of them.
"""

from __future__ import annotations

import json
import os
import socket
from array import array
from collections.abc import Sequence
from typing import Any

from tunnel.lab.netns import in_memory

LARGEST = 128 * 1024  # bytes of a packet, which must fit into the send buffer (212,992 by default)
MOST = 64 << 20  # bytes of a message
MOST_FDS = 8
ELSEWHERE = b"@"  # no JSON begins so
ROOM = socket.CMSG_LEN(MOST_FDS * array("i").itemsize)


class Channel:
    """One end; it owns ``sock``. A received descriptor belongs to the receiver and is close-on-exec."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def send(self, message: Any, fds: Sequence[int] = ()) -> None:
        """Sends one message; ``OSError`` where the peer is gone."""
        text = json.dumps(message)
        if len(text) <= LARGEST:  # escapes make it ASCII
            socket.send_fds(self._sock, [text.encode()], fds)
            return
        memory = in_memory("message", text)
        try:
            socket.send_fds(self._sock, [ELSEWHERE], [*fds, memory])
        finally:
            os.close(memory)

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
        if packet == ELSEWHERE and fds:
            with open(fds.pop(), "rb") as memory:
                packet = os.pread(memory.fileno(), MOST, 0)
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
