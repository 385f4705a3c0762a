"""Network namespaces by name, shared with iproute2: ``ip netns`` and this module see the same ones.

Every function raises ``LabError`` with the namespace's name, the kernel's words and number, and what to
do. None forks, and no thread of the caller ever stands in another namespace.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from tunnel.errors import LabError
from tunnel.lab import names, remedies
from tunnel.lab.named_files import all_names, open_file, open_named, path_of, put, refusals, take
from tunnel.lab.netns import CLONE_NEWNET, is_net, open_net, unshare
from tunnel.lab.nsid import UNASSIGNED, Ids
from tunnel.lab.processes import in_namespaces
from tunnel.netns import on_a_thread

ID_REMEDIES = {
    errno.EPERM: "CAP_NET_ADMIN is needed in this namespace: run as root",
    errno.EEXIST: "an id belongs to one namespace, which keeps it for good; `tunnel netns list-id` shows them",
}


@dataclass(frozen=True)
class Namespace:
    """A file in /run/netns. ``nsid`` is its number in the caller's namespace, if it has one; ``inode`` that
    of the namespace, None where the file is no network namespace."""

    name: str
    nsid: int | None
    inode: int | None


@dataclass(frozen=True)
class NamespaceId:
    """A number that the caller's namespace has for another, and that one's name, if it has one."""

    nsid: int
    name: str | None


def listed() -> list[Namespace]:
    """All names, in order."""
    with refusals("list namespaces"), Ids() as asked:
        return [found for name in all_names() if (found := _seen(name, asked))]


def _seen(name: str, asked: Ids) -> Namespace | None:
    """None where it went meanwhile."""
    try:
        fd = open_file(name)
    except FileNotFoundError:
        return None
    except OSError:  # a socket, or a file that is not ours to read
        return Namespace(name, None, None)
    try:
        return Namespace(name, asked.of(fd), os.fstat(fd).st_ino) if is_net(fd) else Namespace(name, None, None)
    finally:
        os.close(fd)


def add(*wanted: str) -> None:
    """Make namespaces, as new as the kernel makes them (``lo`` is down); all of them or none."""
    for name in wanted:
        names.namespace_name(name)
    made: list[str] = []
    try:
        for name in wanted:
            with refusals(f"add namespace {name}"):
                _hold(name, new_net())
            made.append(name)
    except BaseException:
        for name in made:
            take(name)
        raise


def attach(name: str, pid: int) -> None:
    """Give the network namespace of a process a name."""
    names.namespace_name(name)
    fd = _net_of(pid, f"attach namespace {name}")
    with refusals(f"attach namespace {name} to process {pid}"):
        _hold(name, fd)


def new_net() -> int:
    """A descriptor, which is the caller's, of a new namespace; a thread of its own goes there to make it."""

    def make() -> int:
        unshare(CLONE_NEWNET)
        return open_net()

    return on_a_thread(make, "new namespace")


def _hold(name: str, fd: int) -> None:
    try:
        put(name, fd)
    finally:
        os.close(fd)


def delete(*wanted: str) -> None:
    """Remove names; a namespace is gone with its last process and descriptor. All are tried; what went wrong
    is told afterwards, a line each."""
    failures = []
    for name in wanted:
        try:
            with refusals(f"delete namespace {name!r}"):
                take(name)
        except LabError as error:
            failures.append(error)
    if failures:
        raise LabError("\n".join(map(str, failures)), failures[0].errno)


def delete_all() -> None:
    """Remove every name."""
    delete(*all_names())


def identify(pid: int | None = None) -> list[str]:
    """The names of the namespace in which a process, or else the calling thread, stands."""
    fd = open_net() if pid is None else _net_of(pid, "identify")
    try:
        return [name for name in all_names() if _is(name, os.fstat(fd))]
    finally:
        os.close(fd)


def _is(name: str, known: os.stat_result) -> bool:
    with suppress(OSError):
        return os.path.samestat(os.stat(path_of(name)), known)
    return False


def _net_of(pid: int, what: str) -> int:
    try:
        return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        advice = dict.fromkeys((errno.EACCES, errno.EPERM), "it belongs to another: run as root")
        advice[errno.ENOENT] = "no such process runs"
        number = error.errno or 0
        raise remedies.refused(f"{what}: process {pid}", number, os.strerror(number), advice) from error


def pids(name: str) -> list[int]:
    """The processes in a namespace, in order; those of others are only seen with the right to look."""
    fd = open_named(name)
    try:
        return sorted(in_namespaces({os.fstat(fd).st_ino}, ()))
    finally:
        os.close(fd)


def set_id(name: str, nsid: int | Literal["auto"]) -> int:
    """Give a namespace a number in the caller's, or let the kernel choose one; it cannot be changed. Gives it."""
    number = UNASSIGNED if nsid == "auto" else names.count("nsid", nsid, 2**31 - 1)
    fd = open_named(name)
    try:
        with Ids() as asked:
            asked.give(fd, number)
            return number if number != UNASSIGNED else asked.of(fd) or 0
    except OSError as error:
        what = f"give namespace {name!r} the id {nsid}"
        raise remedies.refused(what, error.errno or 0, error.strerror or "", ID_REMEDIES) from error
    finally:
        os.close(fd)


def ids() -> list[NamespaceId]:
    """All numbers that the caller's namespace has for others, in order."""
    known = {found.nsid: found.name for found in reversed(listed())}
    with refusals("list ids of namespaces"), Ids() as asked:
        return [NamespaceId(nsid, known.get(nsid)) for nsid in asked.every()]
