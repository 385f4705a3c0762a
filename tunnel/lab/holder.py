"""The process that holds a lab: ``python -m tunnel.lab.holder PARENT``, its socket as standard input.

1. It asks to be told when its parent dies, and makes the rights it needs: as root a network and a
   mount namespace of its own; otherwise a user namespace too, in which it is root.
2. It has one thread: a process with a second one cannot change its user namespace.
3. It answers one request at a time: its parent's, and once it has a name (``claim``) anybody's of its
   user who connects. A lab that is kept (``keep``) outlives its parent; otherwise it ends with it.
4. At the end, of its parent, by a request or by a signal, it closes a pipe, so that nothing more begins
   in its namespaces, and kills what runs there. What has a name outside is undone (``Holding.close``); the
   rest the kernel drops with the last descriptor, that is with this process.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunnel.lab import netns
from tunnel.lab.channel import Channel
from tunnel.lab.processes import end_all_in
from tunnel.lab.remedies import failure

if TYPE_CHECKING:
    from tunnel.lab.requests import Requests

CLIENTS = 64  # connected at a time; more are turned away
CLIENT_S = 5.0  # for a client to take its answer; one that does not is dropped
CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21  # include/uapi/linux/capability.h


def has_rights() -> bool:
    """Whether this process may make and fill network namespaces as it is."""
    status = Path("/proc/self/status").read_text()
    effective = int(status.split("CapEff:")[1].split()[0], 16)
    wanted = 1 << CAP_NET_ADMIN | 1 << CAP_SYS_ADMIN
    return effective & wanted == wanted


class Ending:
    """Tells a waiting holder that its parent is gone, or that it was told to end; ``fd`` becomes readable then.

    The kernel already signals when the parent's starting *thread* ends; then the parent lives on and
    so does the lab. SIGINT is the parent's to handle. No handler raises: the first signal may come
    while the last processes are being killed.
    """

    def __init__(self, parent: int) -> None:
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.parent: int | None = parent
        signal.signal(signal.SIGHUP, self._on_hangup)
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        netns.die_with_parent(signal.SIGHUP)
        self._on_hangup()

    def _on_hangup(self, *_: object) -> None:
        if self.parent is not None and os.getppid() != self.parent:
            self._end()

    def _end(self, *_: object) -> None:
        os.eventfd_write(self.fd, 1)


def separate() -> list[int]:
    """Leaves the machine's network and mount namespace; descriptors of these, or none where that took a
    user namespace, from which there is no way back."""
    host: list[int] = []
    if has_rights():
        host = [os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in (netns.OWN_NET, netns.OWN_MOUNT)]
        netns.unshare(netns.CLONE_NEWNET | netns.CLONE_NEWNS)
    else:
        netns.become_root_of_own()
    netns.private_run()
    return host


def send_away(channel: Channel, value: Any, fds: list[int]) -> None:
    """A good reply; its descriptors are the parent's from then on."""
    try:
        channel.send({"value": value}, fds)
    finally:
        for fd in fds:
            os.close(fd)


class Clients:
    """Who may ask: the parent, and those who connected."""

    def __init__(self, parent: Channel, requests: Requests, ending: Ending) -> None:
        self._parent, self._requests, self._holding, self._ending = parent, requests, requests.holding, ending
        self._channels: dict[int, Channel] = {parent.fileno(): parent}

    def serve(self) -> None:
        """Answers until the lab is to end."""
        while self._awaited():
            speaking = self._requests.speaking()
            listening = {self._holding.listener.fileno()} if self._holding.listener else set()
            ready = select.poll()
            for fd in {self._ending.fd, *self._channels, *speaking, *listening}:
                ready.register(fd, select.POLLIN)
            for fd, _ in ready.poll():
                if fd == self._ending.fd:
                    return
                if fd in speaking:
                    speaking[fd].listen()
                elif fd in listening:
                    self._accept()
                else:
                    self._answer(fd)

    def _awaited(self) -> bool:
        """Whether somebody may yet ask."""
        return not self._holding.ended and (self._holding.kept or self._parent.fileno() in self._channels)

    def _accept(self) -> None:
        assert self._holding.listener
        with suppress(OSError):  # it has gone away again
            sock, _ = self._holding.listener.accept()
            asker = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if asker[1] == os.geteuid() and len(self._channels) <= CLIENTS:
                sock.settimeout(CLIENT_S)
                self._channels[sock.fileno()] = Channel(sock)
            else:
                sock.close()

    def _answer(self, fd: int) -> None:
        channel = self._channels[fd]
        try:
            request, fds = channel.receive()
            try:
                value, given = self._requests.answer(request, fds)
            except Exception as error:  # whatever is raised costs one request, not the lab
                channel.send(failure(error))
            else:
                if self._holding.kept:  # before the parent knows, for it may be gone at once
                    self._ending.parent = None
                send_away(channel, value, given)
        except (EOFError, OSError, ValueError):
            del self._channels[fd]
            if channel is not self._parent:
                channel.close()


def main() -> None:
    """See the module."""
    channel = Channel(socket.socket(fileno=0))
    ending = Ending(int(sys.argv[1]))
    try:
        host = separate()
    except OSError as error:
        channel.receive()  # the parent's hello, which this answers
        channel.send(failure(error))
        return
    from tunnel.lab.host import Host
    from tunnel.lab.requests import Requests

    life, hold = os.pipe()
    requests = Requests(life, Host(*host) if host else None)
    try:
        Clients(channel, requests, ending).serve()
    finally:
        os.close(hold)
        requests.end_programs()
        end_all_in(requests.holding.inodes(), spare={os.getpid(), os.getppid()})
        requests.holding.close()


if __name__ == "__main__":
    main()
