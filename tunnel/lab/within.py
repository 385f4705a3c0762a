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

RTF_LOCAL = 0x80000000  # include/uapi/linux/ipv6_route.h
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


def addresses_are_heard(netns: int) -> bool:
    """Whether the kernel is done with each IPv6 address: it lists one before a worker joins the group at
    which neighbours ask for it and then adds its local route (addrconf_dad_work(), net/ipv6/addrconf.c).
    """
    with inside(netns):
        net = Path("/proc/thread-self/net")
        own = {line.split()[0] for line in (net / "if_inet6").read_text().splitlines()}
        routes = [line.split() for line in (net / "ipv6_route").read_text().splitlines()]
    return own <= {fields[0] for fields in routes if int(fields[8], 16) & RTF_LOCAL}
