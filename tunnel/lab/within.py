"""What the holder does by standing inside a namespace: opening descriptors, and sysctls.

A socket and a TUN belong for life to the namespace in which they were opened, whoever uses them.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from pathlib import Path

from tunnel.lab.netns import inside

CLONE_DEVICE = "/dev/net/tun"
TUNSETIFF = 0x400454CA  # include/uapi/linux/if_tun.h


def open_socket(netns: int, family: int, kind: int, proto: int) -> int:
    """A socket of the namespace; the caller owns the descriptor."""
    with inside(netns):
        return socket.socket(family, kind, proto).detach()


def open_tun(netns: int, name: str, flags: int) -> int:
    """A queue of the TUN or TAP ``name``, non-blocking; the device goes with its last descriptor."""
    with inside(netns):
        fd = os.open(CLONE_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
        except OSError:
            os.close(fd)
            raise
        return fd


def sysctl(netns: int, path: str, value: str | None) -> str:
    """Writes ``value`` unless it is None; gives what the kernel holds (/proc/sys/net is the opener's own)."""
    file = Path("/proc/sys") / path
    with inside(netns):
        if value is not None:
            file.write_text(value)
        return file.read_text().strip()
