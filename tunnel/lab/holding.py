"""What a holder holds: the namespaces of its lab, what it was asked to make in them, and the journal."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunnel.errors import LabError
from tunnel.lab import journal, links, processes, space, undo, within
from tunnel.lab.host import Host
from tunnel.lab.journal import Journal
from tunnel.lab.space import Space

IPV6 = Path("/proc/sys/net/ipv6")  # absent where the kernel was started without
NO_DAD = ("net/ipv6/conf/all/accept_dad", "net/ipv6/conf/default/accept_dad")
HOST = ":host"  # the host's own namespace among the nodes; no node can have this name
CLIENTS = 16  # that wait to be accepted


class Holding:
    """The namespaces by the names of their nodes; requests to the kernel wait until ``flush``.

    While ``step`` numbers the steps of a plan, an interface that was made here is known by its index, and
    requests for one namespace are sent together; what is refused then carries the step's number.
    """

    def __init__(self, host: Host | None) -> None:
        self.host = host
        self.spaces: dict[str, Space] = {HOST: host.space} if host else {}
        self.step: int | None = None
        self.journal: Journal | None = None
        self.listener: socket.socket | None = None
        self.topology: str | None = None
        self.kept = self.ended = False
        self.taps: dict[tuple[str, str], int] = {}
        self.engine: int | None = None
        self._open: Space | None = None
        self._fresh: list[Space] = []

    def inodes(self) -> set[int]:
        """The inodes of all namespaces made here."""
        return {inode for node in self.made() for inode in self.spaces[node].inodes()}

    def made(self) -> list[str]:
        """The nodes, without the host."""
        return [node for node in self.spaces if node != HOST]

    def add(self, node: str) -> Space:
        """A new namespace with loopback up and no duplicate address detection."""
        made = space.new(_without_detection)
        self.spaces[node] = made
        if self.journal:
            self.journal.add("netns", node=node, inode=made.inode, cookie=made.cookie)
            if self.host:
                self.host.name(f"{self.journal.lab}-{node}", made, self.journal)
        made.talk.put(links.LOOPBACK_UP, self.step)
        self._fresh.append(made)
        return made

    def put(self, node: str, request: bytes) -> None:
        """Takes a request to a node's kernel along; those of another node that wait are sent before."""
        one = self.spaces[node]
        if self._open is not one:
            self.flush_open()
            self._open = one
        one.talk.put(request, self.step)

    def flush_open(self) -> None:
        """Sends what waits for the node of the last request."""
        one, self._open = self._open, None
        if one:
            one.talk.flush()

    def flush(self) -> None:
        """Sends everything that waits; raises what the kernel refused first."""
        self.flush_open()
        fresh, self._fresh = self._fresh, []
        for one in fresh:
            one.talk.flush()

    def drop_waiting(self) -> None:
        """Forgets what was not sent, after a failure."""
        for one in (self._open, *self._fresh):
            if one:
                one.talk.forget()
        self._open, self._fresh = None, []

    def index(self, node: str, interface: str) -> int:
        """The number of an interface; outside of plans the kernel is asked, since programs may have changed it."""
        if self.step is not None:
            return self.spaces[node].index(interface)
        self.flush_open()
        return links.index(self.spaces[node].talk, interface)

    def claim(self, lab: str, folder: int, topology: str) -> None:
        """Makes this the holder of a lab that can be found by its name; ``folder`` is owned from then on."""
        try:
            self.journal = Journal.create(lab, folder)
        except BaseException:
            os.close(folder)
            raise
        self.topology = topology
        self.journal.add("lab", lab=lab, **processes.identity(os.getpid()))
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        path = f"/proc/self/fd/{folder}/{journal.socket_name(lab)}"
        with suppress(FileNotFoundError):
            os.unlink(path)  # a dead lab's, whose journal is gone
        try:
            self.listener.bind(path)
        except OSError as error:
            raise journal.unwritten(lab, error) from None
        os.chmod(path, 0o600)
        self.listener.listen(CLIENTS)

    def note_link(self, node: str, interface: str, index: int, kind: str) -> None:
        """Writes down an interface that is about to be made, if it is the host's; others go with their node."""
        if node == HOST:
            host, journal = self.require_host()
            host.note_link(interface, index, kind, journal)

    def require_host(self) -> tuple[Host, Journal]:
        """The host and the journal, for what is made there."""
        if self.host is None:
            raise LabError("the host's interfaces are root's: run as root, or leave them out")
        if self.journal is None:
            raise LabError("what is made on the host must be recorded: give the lab a name")
        return self.host, self.journal

    def clear(self) -> None:
        """Lets go of every namespace that was made here."""
        host = self.spaces.pop(HOST, None)
        for one in self.spaces.values():
            one.close()
        for fd in self.taps.values():
            os.close(fd)
        self.spaces.clear()
        self.taps.clear()
        if host:
            self.spaces[HOST] = host
        self._fresh.clear()
        self.engine = None
        self._open = None

    def close(self) -> None:
        """The end of the lab, once nothing runs in it any more; what cannot be undone stays in the journal."""
        failed = self._undo() if self.host and self.journal else []
        self.clear()
        if self.listener:
            self.listener.close()
        if self.journal and not failed:
            self.journal.remove()

    def _undo(self) -> list[str]:
        assert self.host
        assert self.journal
        self.host.go_home()
        failed = undo.places(self.journal.entries(), {one.inode: one.netns for one in self.spaces.values()})
        for words in failed:
            with suppress(LabError):
                self.journal.add("failed", words=words)
        return failed


def _without_detection() -> None:
    """In the new namespace: nobody else can have the address that a lab gives."""
    for path in NO_DAD if IPV6.exists() else ():
        within.write_sysctl(path, "0")


@dataclass(frozen=True)
class Opened:
    """A value for the asker, and descriptors, which are closed here once they are sent."""

    fds: list[int]
    value: Any = None


Answer = tuple[Any, list[int]]
"""What an ``Opened`` holds, in the order of a message."""
