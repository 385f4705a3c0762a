"""The settings that an interface needs at its birth, over rtnetlink(7).

A few messages of our own instead of a netlink library: a device that has no address is open before that
would be imported (165 ms). Not ioctls: SIOCSIFTXQLEN asks for rights in the initial namespace
(net/core/dev_ioctl.c), rtnetlink for those in the device's own.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from pathlib import Path

from tunnel.errors import DeviceError

RTM_NEWLINK, NLMSG_ERROR = 16, 2  # linux/rtnetlink.h, linux/netlink.h
NLM_F_REQUEST, NLM_F_ACK = 1, 4
IFLA_MTU, IFLA_TXQLEN, IFLA_GSO_MAX_SIZE, IFLA_GSO_IPV4_MAX_SIZE = 4, 13, 41, 63  # linux/if_link.h
SIOCGIFMTU = 0x8921
IFF_UP = 1

REMEDIES = {
    errno.EINVAL: "an MTU is 68 to 65535 for a TUN, up to 65521 for a TAP",
    errno.EPERM: "CAP_NET_ADMIN is needed",
}


def set_link(
    name: str, *, mtu: int | None = None, txqueuelen: int | None = None,
    gso: tuple[int, int] | None = None, up: bool = False,
) -> None:  # fmt: skip
    """Settings of an interface of the thread's namespace.

    MTU in bytes, transmit queue in packets, gso_max_size and gso_ipv4_max_size in bytes (before Linux
    6.3 the first is for IPv4 too), up. Raises ``DeviceError`` with the setting that the kernel refused.
    """
    index = find(name)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
        if mtu is not None:
            _ask(netlink, name, index, f"MTU {mtu}", _attribute(IFLA_MTU, mtu))
        if txqueuelen is not None:
            _ask(netlink, name, index, f"txqueuelen {txqueuelen}", _attribute(IFLA_TXQLEN, txqueuelen))
        if gso is not None:  # in this order: the first sets both (netif_set_gso_max_size in net/core/dev.c)
            _ask(netlink, name, index, f"gso_max_size {gso[0]}", _attribute(IFLA_GSO_MAX_SIZE, gso[0]))
            _ask(netlink, name, index, f"gso_ipv4_max_size {gso[1]}", _attribute(IFLA_GSO_IPV4_MAX_SIZE, gso[1]))
        if up:
            _ask(netlink, name, index, "up", b"", IFF_UP)


def find(name: str) -> int:
    """The index of an interface of the thread's namespace; ``DeviceError`` where there is none."""
    try:
        return socket.if_nametoindex(name)
    except OSError:  # Python tells no number
        remedy = "there is none of that name here: make it, or leave out `attach`"
        raise DeviceError(f"interface {name}: {os.strerror(errno.ENODEV)}; {remedy}", errno.ENODEV) from None


def mtu(name: str) -> int:
    """The MTU, bytes, of an interface of the thread's namespace; ``DeviceError`` where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        try:
            answer = fcntl.ioctl(control, SIOCGIFMTU, struct.pack("16si20x", name.encode(), 0))
        except OSError as error:
            number = error.errno or 0
            raise DeviceError(f"interface {name}: its MTU: {os.strerror(number)}", number) from None
    return int(struct.unpack_from("i", answer, 16)[0])


def forwards() -> bool:
    """Whether the thread's namespace is a router, for IPv4 or IPv6."""
    files = (Path("/proc/sys/net", name) for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"))
    return any(file.exists() and file.read_text().strip() != "0" for file in files)


def _attribute(kind: int, value: int) -> bytes:
    return struct.pack("=HHI", 8, kind, value)


def _ask(netlink: socket.socket, name: str, index: int, what: str, attributes: bytes, flags: int = 0) -> None:
    """One RTM_NEWLINK for an existing interface, and the kernel's answer to it."""
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, flags) + attributes
    netlink.send(struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
    answer = netlink.recv(4096)
    kind, (refused,) = struct.unpack_from("=H", answer, 4)[0], struct.unpack_from("=i", answer, 16)
    if kind != NLMSG_ERROR or refused:
        remedy = REMEDIES.get(-refused, "`ip link` shows its state")
        raise DeviceError(f"interface {name}: {what}: {os.strerror(-refused)}; {remedy}", -refused)
