"""Counters of interfaces, by rtnetlink(7): here, and where an interface has gone meanwhile.

A socket asks in the namespace where it was made. For another namespace, known by a descriptor, that one
gets a number here (RTM_NEWNSID) and the question names it (IFLA_TARGET_NETNSID, Linux 5.0): no thread has
to enter it, which would need CAP_SYS_ADMIN, and nothing keeps it alive. Needs CAP_NET_ADMIN on either
side. The number stays until one of the two namespaces goes; the kernel knows no way to take it back.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from tunnel.errors import DeviceError
from tunnel.netns import inside

# linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/net_namespace.h
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 0x1, 0x4, 0x300
RTM_NEWLINK, RTM_GETLINK, RTM_NEWNSID, RTM_GETNSID = 16, 18, 88, 90
IFLA_IFNAME, IFLA_MTU, IFLA_STATS64, IFLA_TARGET_NETNSID = 3, 4, 23, 46
NETNSA_NSID, NETNSA_FD = 1, 3
SIOCGSKNS = 0x894C  # linux/sockios.h: the namespace of a socket
MESSAGE, LINK = struct.Struct("=IHHII"), struct.Struct("=BxHiII")
RX_DROPPED, TX_DROPPED = 6, 7  # of the words of rtnl_link_stats64
RECEIVE = 1 << 16  # bytes: the kernel makes a dump's datagrams no larger than 32 KiB

Attributes = dict[int, bytes]


class LinkDrops(NamedTuple):
    """One interface: its number and name, and the frames that the kernel dropped there, either way."""

    number: int
    name: str
    rx_dropped: int
    tx_dropped: int


def namespace() -> tuple[int, int]:
    """Device and inode: which network namespace the calling thread is in."""
    found = os.stat("/proc/thread-self/ns/net")
    return found.st_dev, found.st_ino


class LinkCounters:
    """The counters of the interfaces of the calling thread's namespace. All methods raise ``OSError``."""

    def __init__(self) -> None:
        self.namespace = namespace()
        self._netlink, self._process = _opened(), os.getpid()
        self._number = 0

    def close(self) -> None:
        """Close the socket. Idempotent."""
        self._netlink.close()

    def all(self) -> list[LinkDrops]:
        """Every interface."""
        return [_drops(body) for body in self._ask(RTM_GETLINK, NLM_F_DUMP, LINK.pack(0, 0, 0, 0, 0))]

    def one(self, name: str, where: int | None = None) -> LinkDrops:
        """The interface of that name, here or in the namespace that the descriptor ``where`` stands for."""
        return _drops(self._link(name, where))

    def mtu(self, name: str, where: int | None = None) -> int:
        """The MTU of that interface, bytes."""
        return int(struct.unpack("=I", _attributes(self._link(name, where), LINK.size)[IFLA_MTU])[0])

    def _link(self, name: str, where: int | None) -> bytes:
        asked = _attribute(IFLA_IFNAME, name.encode() + b"\0")
        if where is not None:
            found = os.fstat(where)
            if (found.st_dev, found.st_ino) != self.namespace:
                asked += _attribute(IFLA_TARGET_NETNSID, struct.pack("=i", self._namespace_number(where)))
        return self._ask(RTM_GETLINK, NLM_F_ACK, LINK.pack(0, 0, 0, 0, 0) + asked)[0]

    def _namespace_number(self, where: int) -> int:
        """What a namespace is called here; it gets a number where it has none."""
        wanted = bytes(4) + _attribute(NETNSA_FD, struct.pack("=I", where))
        for _ in range(2):
            answer = _attributes(self._ask(RTM_GETNSID, NLM_F_ACK, wanted)[0], 4)
            number = int(struct.unpack("=i", answer[NETNSA_NSID])[0])
            if number >= 0:
                break
            self._ask(RTM_NEWNSID, NLM_F_ACK, wanted + _attribute(NETNSA_NSID, struct.pack("=i", -1)))
        return number

    def _renew(self) -> None:
        """A forked process gets a socket of its own: on one that is shared it would read others' answers."""
        with closing(self._netlink):
            if namespace() == self.namespace:
                self._netlink = _opened()
            else:
                where = fcntl.ioctl(self._netlink, SIOCGSKNS)
                try:
                    self._netlink = inside(where, _opened)
                except DeviceError as error:
                    raise OSError(error.errno, str(error)) from error
                finally:
                    os.close(where)
        self._process = os.getpid()

    def _ask(self, kind: int, flags: int, body: bytes) -> list[bytes]:
        """The bodies of the kernel's answer, which an error of 0 or NLMSG_DONE ends."""
        if os.getpid() != self._process:
            self._renew()
        self._number += 1
        size = MESSAGE.size + len(body)
        self._netlink.send(MESSAGE.pack(size, kind, NLM_F_REQUEST | flags, self._number, 0) + body)
        found: list[bytes] = []
        while True:
            for what, number, answer in _messages(self._netlink.recv(RECEIVE)):
                if number != self._number:
                    continue  # the rest of an answer that was given up
                if what in (NLMSG_ERROR, NLMSG_DONE):
                    _refuse(answer)
                    return found
                found.append(answer)


def _opened() -> socket.socket:
    """Not blocking: the kernel answers within send."""
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    return socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)


def _refuse(answer: bytes) -> None:
    code = -int(struct.unpack_from("=i", answer)[0])
    if code:
        raise OSError(code, os.strerror(code))


def _messages(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Kind, number and body of each message."""
    offset = 0
    while offset + MESSAGE.size <= len(datagram):
        size, kind, _, number, _ = MESSAGE.unpack_from(datagram, offset)
        yield kind, number, datagram[offset + MESSAGE.size : offset + size]
        offset += max(size + 3 & ~3, MESSAGE.size)  # whatever a message says, this ends


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _attributes(body: bytes, offset: int) -> Attributes:
    found = {}
    while offset + 4 <= len(body):
        size, kind = struct.unpack_from("=HH", body, offset)
        found[kind & 0x3FFF] = body[offset + 4 : offset + size]  # without NLA_F_NESTED and its like
        offset += max(size + 3 & ~3, 4)
    return found


def _drops(body: bytes) -> LinkDrops:
    attributes = _attributes(body, LINK.size)
    words = struct.unpack_from("=8Q", attributes[IFLA_STATS64])
    name = attributes[IFLA_IFNAME].rstrip(b"\0").decode(errors="replace")
    return LinkDrops(LINK.unpack_from(body)[2], name, words[RX_DROPPED], words[TX_DROPPED])
