"""Whether the TUN is up, and its MTU, wherever it is now.

POLLOUT on its descriptor is set exactly while it is up (tun_chr_poll in drivers/net/tun.c), in whatever
namespace. Coming up wakes an epoll; going down wakes nobody, but makes a link event of its namespace. All
events count, of all namespaces that have a number here; one that was not heard is made up for in a second.
The MTU of a TUN in another namespace is asked there (``tunnel.devices.link_counters``).
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import select
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress

from tunnel.devices.link_counters import LINK, MESSAGE, RTM_NEWLINK, LinkCounters
from tunnel.devices.tun_ioctl import TUNGETDEVNETNS, identity
from tunnel.devices.tuntap import Tun
from tunnel.errors import DeviceError

log = logging.getLogger(__name__)

RTM_DELLINK = 17
RTMGRP_LINK = 1  # linux/rtnetlink.h
SOL_NETLINK, NETLINK_LISTEN_ALL_NSID = 270, 8  # linux/netlink.h
RECEIVE = 1 << 16
IFF_UP = 1
LOOK_S = 1.0
EBADFD = 77  # asm-generic/errno.h: the interface was deleted, which the engine finds out too


class LinkWatch:
    """Opened with all rights, in the namespace where the TUN was made; ``start`` it on the loop.

    ``on_link`` and ``on_mtu`` are told how it is, at every look; a TUN that was down and up again between
    two looks is told so, if it has not left its namespace.
    """

    def __init__(self, tun: Tun, on_link: Callable[[bool], None], on_mtu: Callable[[int], None]) -> None:
        self._tun, self._on_link, self._on_mtu = tun, on_link, on_mtu
        self._links, self._events = LinkCounters(), _listening()
        self._level, self._edges = select.poll(), select.epoll()
        self._level.register(tun.fd, select.POLLOUT)
        self._edges.register(tun.fd, select.EPOLLOUT | select.EPOLLET)
        self._index = self._number()
        self._told = False
        self._later: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Tell from now on, beginning at once."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._events.fileno(), self._happened)
        self._loop.add_reader(self._edges.fileno(), self._rose)
        self._look_again()

    def close(self) -> None:
        """Tell no more."""
        if self._later:
            self._later.cancel()
            self._loop.remove_reader(self._events.fileno())
            self._loop.remove_reader(self._edges.fileno())
        self._events.close()
        self._edges.close()
        self._links.close()

    def _look_again(self) -> None:
        self._look()
        self._later = self._loop.call_later(LOOK_S, self._look_again)

    def _look(self) -> None:
        if self._tun.fd < 0:  # the engine has found it gone; its number may be another's by now
            return
        mtu = self._mtu()
        if mtu is not None:
            self._on_mtu(mtu)
        self._on_link(any(found & select.POLLOUT for _, found in self._level.poll(0)))

    def _rose(self) -> None:
        self._edges.poll(0)
        self._look()

    def _happened(self) -> None:
        with suppress(BlockingIOError):
            while True:
                self._hear()
        self._look()

    def _hear(self) -> None:
        try:
            data, ancillary, _, _ = self._events.recvmsg(RECEIVE, 64)
        except OSError as error:
            if error.errno != errno.ENOBUFS:  # events were lost: the look that follows tells how it is
                raise
        else:
            if not ancillary:  # of this namespace
                self._heard(data)

    def _heard(self, data: bytes) -> None:
        """The number of an interface that has gone elsewhere may be given to another."""
        for kind, index, flags in _links(data):
            if index == self._index and kind == RTM_DELLINK:
                self._index = 0
            elif index == self._index and kind == RTM_NEWLINK and not flags & IFF_UP:
                self._on_link(False)

    def _number(self) -> int:
        """0 where it is not here."""
        try:
            where = fcntl.ioctl(self._tun.fd, TUNGETDEVNETNS)
        except OSError:
            return 0
        try:
            found = os.fstat(where)
            here = (found.st_dev, found.st_ino) == self._links.namespace
            return self._links.one(identity(self._tun.fd)[0]).number if here else 0
        finally:
            os.close(where)

    def _mtu(self) -> int | None:
        """Bytes; None where it cannot be read, which is said once."""
        try:
            where = fcntl.ioctl(self._tun.fd, TUNGETDEVNETNS)
            try:
                return self._links.mtu(identity(self._tun.fd)[0], where)
            finally:
                os.close(where)
        except (OSError, DeviceError) as error:
            if not self._told and error.errno != EBADFD:
                log.warning("the MTU cannot be read any more, and is taken to stay as it was: %s", error)
            self._told = True
            return None


def _listening() -> socket.socket:
    kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    sock = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
    with suppress(PermissionError):  # without CAP_NET_BROADCAST: of this namespace only
        sock.setsockopt(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1)
    sock.bind((0, RTMGRP_LINK))
    return sock


def _links(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Kind, interface and flags of each message of a datagram."""
    offset = 0
    while offset + MESSAGE.size + LINK.size <= len(data):
        size, kind = struct.unpack_from("=IH", data, offset)
        _, _, index, flags, _ = LINK.unpack_from(data, offset + MESSAGE.size)
        yield kind, index, flags
        offset += max(size + 3 & ~3, MESSAGE.size)
