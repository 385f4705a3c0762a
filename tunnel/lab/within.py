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

IFA_F_TENTATIVE = 0x40  # include/uapi/linux/if_addr.h
RTF_LOCAL = 0x80000000  # include/uapi/linux/ipv6_route.h
CLONE_DEVICE = "/dev/net/tun"
TUNSETIFF, TUNSETPERSIST = 0x400454CA, 0x400454CB  # include/uapi/linux/if_tun.h
TUNSETOWNER, TUNSETGROUP, TUNSETIFINDEX = 0x400454CC, 0x400454CE, 0x400454DA
IFF_TUN_EXCL = 0x8000
TCP_LISTEN = "0A"  # include/net/tcp_states.h


def open_socket(netns: int, family: int, kind: int, proto: int) -> int:
    """A socket of the namespace; the caller owns the descriptor."""
    with inside(netns):
        return socket.socket(family, kind, proto).detach()


def open_tun(netns: int, name: str, flags: int) -> int:
    """A queue of the TUN or TAP ``name``, non-blocking; the device goes with its last descriptor."""
    with inside(netns):
        return _tun(name, flags)


def make_tun(
    netns: int, name: str, flags: int, *, index: int, owner: int | None = None, group: int | None = None
) -> None:
    """A persistent TUN or TAP of a given index, which ``owner`` and ``group`` (numeric ids) may attach."""
    with inside(netns):
        fd = _tun(name, flags | IFF_TUN_EXCL, index)
        try:
            for request, value in ((TUNSETOWNER, owner), (TUNSETGROUP, group), (TUNSETPERSIST, 1)):
                if value is not None:
                    fcntl.ioctl(fd, request, value - 2**32 * (value >= 2**31))  # it takes the bits of an int
        finally:
            os.close(fd)


def _tun(name: str, flags: int, index: int = 0) -> int:
    fd = os.open(CLONE_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if index:
            fcntl.ioctl(fd, TUNSETIFINDEX, struct.pack("I", index))
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    except OSError:
        os.close(fd)
        raise
    return fd


def index_of(netns: int, interface: str) -> int:
    """The number of an interface of the namespace."""
    with inside(netns):
        return socket.if_nametoindex(interface)


def ports(netns: int, proto: str) -> list[int]:
    """The local ports of ``tcp`` sockets that listen, or of ``udp`` sockets that are bound, of both families."""
    found = set()
    with inside(netns):
        for name in (proto, f"{proto}6"):
            file = Path(f"/proc/thread-self/net/{name}")
            for line in file.read_text().splitlines()[1:] if file.exists() else ():
                _, local, _, state, *_ = line.split()
                if proto != "tcp" or state == TCP_LISTEN:
                    found.add(int(local.rpartition(":")[2], 16))
    return sorted(found)


def write_sysctl(path: str, value: str) -> None:
    """A sysctl of the thread's own namespace, below /proc/sys."""
    fd = os.open(f"/proc/sys/{path}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)


def sysctl(netns: int, path: str, value: str | None) -> str:
    """Writes ``value`` unless it is None; gives what the kernel holds (/proc/sys/net is the opener's own)."""
    file = Path("/proc/sys") / path
    with inside(netns):
        if value is not None:
            file.write_text(value)
        return file.read_text().strip()


def addresses_are_heard(netns: int, *, detecting: bool = False) -> bool:
    """Whether the kernel is done with each IPv6 address: it lists one before a worker joins the group at
    which neighbours ask for it and then adds its local route (addrconf_dad_work(), net/ipv6/addrconf.c).
    ``detecting``: those are left out for which it looks for duplicates, or may yet, which takes a second or two.
    """
    with inside(netns):
        listed, routes = _rows("if_inet6"), _rows("ipv6_route")
    own = {fields[0] for fields in listed if not (detecting and int(fields[4], 16) & IFA_F_TENTATIVE)}
    return own <= {fields[0] for fields in routes if int(fields[8], 16) & RTF_LOCAL}


def _rows(name: str) -> list[list[str]]:
    with open(f"/proc/thread-self/net/{name}") as file:
        return [line.split() for line in file]
