"""A program in a named namespace, that finds /sys and /etc as they are for it: netns_switch() of
lib/namespace.c in iproute2."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tunnel.errors import LabError
from tunnel.lab import netns
from tunnel.lab.named_files import open_named, refusals

ETC = Path("/etc/netns")
CANNOT_ENTER = 255  # iproute2's number where there is no such namespace, or it may not be entered


def execute(name: str, program: Sequence[str]) -> int:
    """Becomes ``program`` in the namespace, and else gives the status that tells why not, said on stderr:
    CANNOT_ENTER, or ``netns.CANNOT_EXECUTE``. The calling thread is then somewhere on the way; it must end.
    """
    try:
        for problem in enter(name):
            print(f"tunnel: {problem}", file=sys.stderr, flush=True)
    except LabError as error:
        print(f"tunnel: {error}", file=sys.stderr)
        return CANNOT_ENTER
    try:
        netns.become(list(program))
    except (OSError, ValueError) as error:  # ValueError: an argument that no program can be given
        reason = error.strerror if isinstance(error, OSError) else error
        print(f"tunnel: namespace {name!r}: {program[0]}: {reason}", file=sys.stderr)
    return netns.CANNOT_EXECUTE


def execute_and_wait(name: str, program: Sequence[str]) -> int:
    """As ``execute``, in a process of its own: its status, 128 and the signal's number where that ended it.

    For a process without other threads, as it forks.
    """
    sys.stdout.flush()
    pid = os.fork()
    if not pid:
        status = netns.CANNOT_EXECUTE
        try:
            status = execute(name, program)
        finally:
            os._exit(status)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code if code >= 0 else 128 - code


def enter(name: str) -> list[str]:
    """Moves the calling thread into the namespace and a mount namespace of its own, where /sys tells of it
    and what lies in /etc/netns/NAME lies over /etc. There is no way back.

    Gives what of the latter was not possible, a line each: like iproute2 it goes on without.
    """
    fd = open_named(name)
    with refusals(f"enter namespace {name!r}"):
        try:
            netns.setns(fd, netns.CLONE_NEWNET)
        finally:
            os.close(fd)
        netns.unshare(netns.CLONE_NEWNS)
        netns.mount("none", "/", "", netns.MS_SLAVE | netns.MS_REC)
        _mount_sys(name)
    return _bind_etc(name)


def _mount_sys(name: str) -> None:
    """In a user namespace that did not mount it, /sys cannot be unmounted, only covered; one that may only
    be read only by another such (mount_too_revealing() of fs/namespace.c)."""
    flags = 0
    try:
        netns.unmount("/sys")
    except OSError:
        flags = netns.MS_RDONLY if os.statvfs("/sys").f_flag & os.ST_RDONLY else 0
    netns.mount(name, "/sys", "sysfs", flags)


def _bind_etc(name: str) -> list[str]:
    problems = []
    try:
        files = sorted(os.listdir(ETC / name))
    except FileNotFoundError:
        files = []
    except OSError as error:
        return [f"{ETC / name}: {error.strerror}; nothing of it lies over /etc"]
    for file in files:
        try:
            netns.mount(str(ETC / name / file), f"/etc/{file}", "none", netns.MS_BIND)
        except OSError as error:
            problems.append(f"{ETC / name / file} over /etc/{file}: {error.strerror}; make an empty one there")
    return problems
