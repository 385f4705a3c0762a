"""Starting a holder, and waiting for its end."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys

from tunnel.errors import LabError
from tunnel.lab.channel import Channel


def start_holder() -> tuple[subprocess.Popen[bytes], Channel]:
    """A holder and the channel to it.

    It imports from where this process does, and never from the current folder (-P).
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    path = os.pathsep.join(place or os.getcwd() for place in sys.path)
    with theirs:
        holder = subprocess.Popen(
            [sys.executable, "-P", "-m", "tunnel.lab.holder", str(os.getpid())],
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )
    return holder, Channel(ours)


def reap(holder: subprocess.Popen[bytes], limit_s: float) -> None:
    """Waits for a holder whose channel is closed; one that does not end is killed."""
    try:
        holder.wait(limit_s)
    except subprocess.TimeoutExpired:
        holder.kill()
        holder.wait()


def await_end(pid: int, limit_s: float) -> None:
    """Waits until a process, which need be no child, has ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        waiter = select.poll()
        waiter.register(pidfd, select.POLLIN)
        if not waiter.poll(1000 * limit_s):
            raise LabError(f"process {pid}: the lab's holder has not ended in {limit_s:.0f} s; is it stopped?")
    finally:
        os.close(pidfd)
