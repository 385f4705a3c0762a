"""The process that holds a lab: ``python -m tunnel.lab.holder PARENT``, its socket as standard input.

1. It asks to be told when its parent dies, and makes the rights it needs: as root a network and a
   mount namespace of its own; otherwise a user namespace too, in which it is root.
2. It imports pyroute2 only then: a process with a second thread cannot change its user namespace.
3. It says hello with its user and mount namespace and a pipe, for those who start programs in nodes.
4. It answers one request at a time until the socket ends or a signal comes.
5. It closes the pipe, so that nothing more begins in its namespaces, and kills what runs there. They
   have no names: the kernel drops them with the last descriptor, that is with this process.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from tunnel.lab import netns
from tunnel.lab.channel import Channel
from tunnel.lab.processes import end_all_in

CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21  # include/uapi/linux/capability.h


def has_rights() -> bool:
    """Whether this process may make and fill network namespaces as it is."""
    status = Path("/proc/self/status").read_text()
    effective = int(status.split("CapEff:")[1].split()[0], 16)
    wanted = 1 << CAP_NET_ADMIN | 1 << CAP_SYS_ADMIN
    return effective & wanted == wanted


def follow_parent(channel: Channel, parent: int) -> None:
    """Ends the channel when ``parent`` dies, even while a copy of its socket is open elsewhere.

    The kernel already signals when the parent's starting *thread* ends; then the parent lives on and
    so does the lab. SIGINT is the parent's to handle. No handler raises: the first signal may come
    while the last processes are being killed.
    """

    def on_hangup(*_: object) -> None:
        if os.getppid() != parent:
            channel.end()

    signal.signal(signal.SIGHUP, on_hangup)
    signal.signal(signal.SIGTERM, lambda *_: channel.end())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    netns.die_with_parent(signal.SIGHUP)
    on_hangup()


def separate() -> bool:
    """Leaves the machine's namespaces; whether that took a user namespace."""
    rootless = not has_rights()
    if rootless:
        netns.become_root_of_own()
    else:
        netns.unshare(netns.CLONE_NEWNET | netns.CLONE_NEWNS)
    netns.private_run()
    return rootless


def greet(channel: Channel, rootless: bool, life: int) -> None:
    """The first message: whether there is a user namespace of its own; descriptors of the user and the
    mount namespace, and ``life``, the reading end of the pipe."""
    fds = [os.open(f"/proc/self/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in ("user", "mnt")]
    send_away(channel, {"rootless": rootless}, [*fds, life])


def send_away(channel: Channel, value: Any, fds: list[int]) -> None:
    """A good reply; its descriptors are the parent's from then on."""
    try:
        channel.send({"value": value}, fds)
    finally:
        for fd in fds:
            os.close(fd)


def failure(error: Exception) -> dict[str, Any]:
    """A reply for the exception: the kernel's number and words."""
    number = getattr(error, "code", None) or getattr(error, "errno", None) or 0
    words = error.args[1] if number and len(error.args) > 1 else f"{type(error).__name__}: {error}"
    place = getattr(error, "filename", None)
    return {"errno": number, "words": f"{place}: {words}" if place else str(words)}


def serve(channel: Channel, requests: Any) -> None:
    """Answers until the channel ends, which is ``EOFError`` or ``ConnectionError``."""
    while True:
        request, _ = channel.receive()
        try:
            value, fds = requests.answer(request)
        except Exception as error:  # whatever pyroute2 raises costs one request, not the lab
            channel.send(failure(error))
        else:
            send_away(channel, value, fds)


def main() -> None:
    """See the module."""
    parent = int(sys.argv[1])
    channel = Channel(socket.socket(fileno=0))
    follow_parent(channel, parent)
    try:
        rootless = separate()
    except OSError as error:
        channel.send(failure(error))
        return
    from tunnel.lab.requests import Requests

    requests = Requests()
    life, hold = os.pipe()
    try:
        with suppress(EOFError, ConnectionError):
            greet(channel, rootless, life)
            serve(channel, requests)
    finally:
        os.close(hold)
        end_all_in(requests.inodes(), spare={os.getpid(), parent})


if __name__ == "__main__":
    main()
