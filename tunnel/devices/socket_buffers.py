"""Large kernel buffers for the sockets of devices."""

from __future__ import annotations

import logging
import socket

log = logging.getLogger(__name__)

SIZE = 7 << 20  # bytes: what a tunnel needs in order not to lose bursts, by wireguard-go's measurements
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33  # asm-generic/socket.h


def widen(sock: socket.socket, where: str) -> None:
    """Ask for buffers of ``SIZE``; without CAP_NET_ADMIN net.core.*mem_max cap them: one warning."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, SIZE)
        sock.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, SIZE)
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SIZE)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SIZE)
        got = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2  # the kernel doubles it
        if got < SIZE:
            log.warning(
                "%s: the receive buffer is %d bytes, not %d, so bursts may be lost; CAP_NET_ADMIN or "
                "sysctl net.core.rmem_max and net.core.wmem_max raise it", where, got, SIZE,
            )  # fmt: skip
