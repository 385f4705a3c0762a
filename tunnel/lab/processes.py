"""Finding and ending the processes of network namespaces, daemons that left their parents included."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path

ROUNDS = 20  # each finds what was forked while the one before was killing
LAST_WAIT_MS = 5_000  # a killed process ends as soon as it leaves the kernel


def net_of(pid: int) -> int:
    """The inode of a process's network namespace; 0 for one that has ended or is not ours to see."""
    with suppress(OSError):
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    return 0


def spaces_of(pid: int) -> set[int]:
    """The inodes of a process's network and mount namespace: who leaves one of them is still in the other."""
    found = set()
    for kind in ("net", "mnt"):
        with suppress(OSError):
            found.add(os.stat(f"/proc/{pid}/ns/{kind}").st_ino)
    return found


def start_of(pid: int) -> int:
    """When a process started, in clock ticks since boot (proc_pid_stat(5)); 0 for one that has ended.

    With the number it names a process for certain: numbers are given again.
    """
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19])
    return 0


def identity(pid: int) -> dict[str, int]:
    """What names a process for certain, as a record keeps it."""
    return {"pid": pid, "start": start_of(pid)}


def in_namespaces(inodes: Collection[int], spare: Collection[int]) -> Iterator[int]:
    """Process ids in the network or mount namespaces, except for the spared."""
    everyone = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    return (pid for pid in everyone.difference(spare) if not spaces_of(pid).isdisjoint(inodes))


def kill(pid: int, is_meant: Callable[[int], bool]) -> None:
    """Kills a process and waits for its end, if it is still the one that is meant."""
    with suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            if is_meant(pid):  # the number may have changed hands before the descriptor pinned it
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                waiter = select.poll()
                waiter.register(pidfd, select.POLLIN)
                waiter.poll(LAST_WAIT_MS)
        finally:
            os.close(pidfd)


def end_all_in(inodes: Collection[int], spare: Collection[int]) -> None:
    """Kills every process in the namespaces but the spared ones, and waits until they have ended."""
    for _ in range(ROUNDS):
        found = list(in_namespaces(inodes, spare))
        if not found:
            return
        for pid in found:
            kill(pid, lambda each: not spaces_of(each).isdisjoint(inodes))
