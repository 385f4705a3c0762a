"""``Space``: a network namespace as its holder has it."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Callable
from functools import cached_property
from typing import Any

from tunnel.lab import links, netns, within
from tunnel.lab.rtnl import Conversation

SO_NETNS_COOKIE = 71  # include/uapi/asm-generic/socket.h: a number that no other namespace ever has
FIRST_INDEX = 5_001  # of the interfaces made here, far from those the kernel gives


class Space:
    """A namespace: its descriptor, its conversation with rtnetlink, the interfaces made in it.

    Made for the namespace in which the thread stands; ``first`` is the index of the first interface made in
    it. ``close`` lets go of it.
    """

    def __init__(self, first: int = FIRST_INDEX) -> None:
        self.netns = netns.open_net()
        self.talk = Conversation()
        self.indexes: dict[str, int] = {}
        self._next = itertools.count(first)
        self._mount = -1

    @cached_property
    def inode(self) -> int:
        """The number under /proc/PID/ns/net; another namespace may have it once this one is gone."""
        return os.fstat(self.netns).st_ino

    def inodes(self) -> set[int]:
        """Those of its network namespace and, once there is one, of its mount namespace."""
        return {self.inode} | ({os.fstat(self._mount).st_ino} if self._mount >= 0 else set())

    @cached_property
    def cookie(self) -> int:
        """The kernel's number for this namespace alone (SO_NETNS_COOKIE)."""
        return cookie(self.netns)

    def new_index(self, interface: str) -> int:
        """An index for an interface to be made here."""
        self.indexes[interface] = self.next_index()
        return self.indexes[interface]

    def next_index(self) -> int:
        """An index that no interface made here has."""
        return next(self._next)

    def index(self, interface: str) -> int:
        """The index of an interface; one that was not made here the kernel is asked for."""
        return self.indexes.get(interface) or links.index(self.talk, interface)

    def mount(self, make: Callable[[], int]) -> int:
        """The descriptor of its mount namespace, made when it is first asked for."""
        if self._mount < 0:
            self._mount = make()
        return self._mount

    def settle(self) -> None:
        """Waits until every link is usable and every IPv6 address is heard."""
        links.settle_all(self.talk)
        links.wait_until(lambda: within.addresses_are_heard(self.netns))

    def close(self) -> None:
        """Lets go of it; the kernel drops a namespace that nobody else holds."""
        self.talk.close()
        for fd in (self.netns, self._mount):
            if fd >= 0:
                os.close(fd)


def cookie(fd: int) -> int:
    """The cookie of the namespace behind a descriptor."""
    with netns.inside(fd):
        return here()


def here() -> int:
    """The cookie of the namespace in which the thread stands."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8), "little")


def new(furnish: Callable[[], Any]) -> Space:
    """A new namespace, in which ``furnish`` is called; the thread returns to where it was."""
    home = netns.open_net()
    try:
        netns.unshare(netns.CLONE_NEWNET)
        try:
            made = Space()
            furnish()
        finally:
            netns.setns(home, netns.CLONE_NEWNET)
    finally:
        os.close(home)
    return made
