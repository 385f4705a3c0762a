"""Namespaces by system call, and the program that enters some and becomes another.

Run as a file, ``python -I -S netns.py [life=FD] [gate=FD] [user=FD] [net=FD] [mnt=FD] -- PROGRAM ARGUMENT...``
enters the namespaces behind the descriptors it inherited, closes these and executes PROGRAM; it
therefore imports nothing but the standard library. ``life`` is the reading end of a pipe that a lab holds
open: whoever comes too late to be killed with the lab does not begin. ``gate`` is that of a pipe into which
a lab writes when it has noted the process; it dies with the lab.

``os.setns`` and ``os.unshare`` only exist from Python 3.12.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import select
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
MNT_DETACH, UMOUNT_NOFOLLOW = 2, 8
MS_RDONLY, MS_BIND, MS_REC = 1, 0x1000, 0x4000
MS_PRIVATE, MS_SLAVE, MS_SHARED = 1 << 18, 1 << 19, 1 << 20
NS_GET_NSTYPE = 0xB703  # linux/nsfs.h
PR_SET_PDEATHSIG = 1
OWN_NET, OWN_MOUNT = "/proc/thread-self/ns/net", "/proc/thread-self/ns/mnt"
NAMED = Path("/run/netns")
KINDS = {"user": CLONE_NEWUSER, "net": CLONE_NEWNET, "mnt": CLONE_NEWNS}
CANNOT_EXECUTE = 127  # the shell's number for a program that was not found

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = (
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_char_p,
    ctypes.c_ulong,
    ctypes.c_char_p,
)
_libc.prctl.argtypes = (ctypes.c_int, *[ctypes.c_ulong] * 4)


def _check(result: int, what: str) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def unshare(flags: int) -> None:
    """Moves this thread into new namespaces; CLONE_NEWUSER wants the process to have no other thread."""
    _check(_libc.unshare(flags), f"unshare({flags:#x})")


def setns(fd: int, kind: int) -> None:
    """Moves this thread into the namespace behind ``fd``; ``kind`` is its CLONE_NEW* flag."""
    _check(_libc.setns(fd, kind), f"setns({kind:#x})")


def mount(source: str, target: str, fstype: str, flags: int = 0) -> None:
    """mount(2) without options of the file system."""
    done = _libc.mount(os.fsencode(source), os.fsencode(target), fstype.encode(), flags, None)
    _check(done, f"mount {target}")


def unmount(target: str, flags: int = MNT_DETACH) -> None:
    """umount2(2); MNT_DETACH does it for whoever still has files open in it too."""
    _check(_libc.umount2(os.fsencode(target), flags), f"umount {target}")


def die_with_parent(number: signal.Signals) -> None:
    """Asks for ``number`` when the parent's thread ends (PR_SET_PDEATHSIG; a change of rights clears it)."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")


def open_net() -> int:
    """A descriptor of this thread's own network namespace."""
    return os.open(OWN_NET, os.O_RDONLY | os.O_CLOEXEC)


def in_memory(name: str, text: str) -> int:
    """A file without a place, with a text in it, to be read from its beginning."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    content = text.encode()
    while content:
        content = content[os.write(fd, content) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def is_net(fd: int) -> bool:
    """Whether a descriptor is of a network namespace: any file may stand where one was expected."""
    try:
        return fcntl.ioctl(fd, NS_GET_NSTYPE) == CLONE_NEWNET
    except OSError:
        return False


def give_name(fd: int, folder: int, name: str) -> None:
    """Gives a file that was made without a name (O_TMPFILE) one in ``folder``; ``FileExistsError`` where it is taken.

    Python's ``os.link`` is linkat(2), which follows the link in /proc, only where there is a folder.
    """
    os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=folder, follow_symlinks=True)


@contextmanager
def inside(fd: int) -> Iterator[None]:
    """Runs its block in the network namespace behind ``fd`` and returns to where the thread was.

    Who stands in it already needs no right to enter it.
    """
    home = open_net()
    try:
        if os.path.samestat(os.fstat(fd), os.fstat(home)):
            yield
            return
        setns(fd, CLONE_NEWNET)
        try:
            yield
        finally:
            setns(home, CLONE_NEWNET)
    finally:
        os.close(home)


def become_root_of_own() -> None:
    """A user, a network and a mount namespace in which the calling user is root (user_namespaces(7))."""
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS)
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


def private_run() -> None:
    """An empty /run of this mount namespace; SLAVE keeps the host's later unmounts effective here."""
    mount("none", "/", "", MS_REC | MS_SLAVE)
    mount("tmpfs", "/run", "tmpfs")


def private_mount(named: Mapping[str, int] = MappingProxyType({})) -> int:
    """A descriptor of a new mount namespace whose /run is empty but for the files /run/netns/NAME of the
    namespaces ``named``; the process stays where it was.

    It must have one thread: that is what may change its mount namespace.
    """
    home = os.open(OWN_MOUNT, os.O_RDONLY | os.O_CLOEXEC)
    try:
        unshare(CLONE_NEWNS)
        try:
            renew_run()
            _name(named)
            return os.open(OWN_MOUNT, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            setns(home, CLONE_NEWNS)
    finally:
        os.close(home)


def _name(named: Mapping[str, int]) -> None:
    if named:
        NAMED.mkdir()
    for name, fd in named.items():
        (NAMED / name).touch()
        mount(f"/proc/self/fd/{fd}", str(NAMED / name), "none", MS_BIND)


def renew_run() -> None:
    """Empties what ``private_run`` made, with whatever is mounted in it."""
    unmount("/run")
    mount("tmpfs", "/run", "tmpfs")


def enter(spaces: list[str]) -> None:
    """Enters namespaces given as ``kind=fd``, in this order: that of the user grants the right to the
    others. The current folder stays, although setns(2) to a mount namespace goes to its root."""
    folder = os.open(".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)  # its path may lead nowhere in there
    for space in spaces:
        kind, fd = space.split("=")
        if kind in KINDS:
            setns(int(fd), KINDS[kind])
            os.close(int(fd))
    os.fchdir(folder)
    os.close(folder)


def require_gate(fd: int) -> None:
    """Waits for the word of the lab that started this process, and dies with it from here on."""
    die_with_parent(signal.SIGKILL)
    if not os.read(fd, 1):
        raise OSError(errno.EOWNERDEAD, "the lab has ended")
    os.close(fd)


def require_life(fd: int) -> None:
    """Raises where the lab has ended; only an answer from inside its namespaces counts, since its
    holder lets go of the pipe before it looks a last time for processes in there."""
    waiter = select.poll()
    waiter.register(fd, 0)  # POLLHUP is always told
    if waiter.poll(0):
        raise OSError(errno.EOWNERDEAD, "the lab has ended")
    os.close(fd)


def become(program: list[str]) -> None:
    """Executes it, found on PATH, and does not return. The signals that Python ignores for itself are
    as they were: a writer whose reader has left is to end."""
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execvp(program[0], program)


def main(arguments: list[str]) -> None:
    """See the module; it returns where the program could not be executed."""
    border = arguments.index("--")
    spaces, program = arguments[:border], arguments[border + 1 :]
    held = dict(space.split("=") for space in spaces)
    try:
        enter(spaces)
        if "life" in held:
            require_life(int(held["life"]))
        if "gate" in held:
            require_gate(int(held["gate"]))
        become(program)
    except OSError as error:
        print(f"{program[0]}: {error.strerror}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.exit(CANNOT_EXECUTE)
