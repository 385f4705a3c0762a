"""The files behind names of namespaces, as iproute2 has them (ip/ipnetns.c): a name is a file in
/run/netns on which the namespace is mounted, and /run/netns a mount that all mount namespaces share.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tunnel.errors import LabError
from tunnel.lab import names, netns, remedies
from tunnel.netns import NAMED

RIGHTS = (
    "named namespaces belong to the machine: run as root, or as root of a user namespace with a /run of its own:"
    " unshare -Urnm sh -c 'mount -t tmpfs tmpfs /run && exec sh'"
)
REMEDIES = {
    errno.EPERM: RIGHTS,
    errno.EACCES: RIGHTS,
    errno.ENOENT: "`tunnel netns list` shows those that there are",
    errno.EEXIST: "choose another name, or delete it first; what `tunnel netns list` calls no namespace is left"
    " by somebody who was killed while making one, or being made",
    errno.EBUSY: "it is mounted from outside: delete it where it was made",
    errno.ENOSPC: remedies.REMEDIES[errno.ENOSPC],
    errno.EMFILE: remedies.REMEDIES[errno.EMFILE],
}


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Raises what the system refuses as a ``LabError``: ``what`` was asked, its words, what to do."""
    try:
        yield
    except OSError as error:
        number = error.errno or 0
        place = f" ({error.filename})" if error.filename else ""
        raise remedies.refused(what, number, os.strerror(number) + place, REMEDIES) from error


def path_of(name: str) -> Path:
    """The file of a name, which may be anybody's, even one that ``add`` would refuse."""
    return NAMED / names.namespace_file(name)


def all_names() -> list[str]:
    """What lies in /run/netns, namespaces or not, in order."""
    with refusals(f"list {NAMED}"), suppress(FileNotFoundError):
        return sorted(os.listdir(NAMED))
    return []


def open_file(name: str) -> int:
    """A descriptor of what has the name; ``OSError`` where nothing has. It may be no namespace."""
    return os.open(path_of(name), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def open_named(name: str) -> int:
    """A descriptor of the namespace, for setns(2) and netlink, that is the caller's."""
    with refusals(f"namespace {name!r}"):
        fd = open_file(name)
    if not netns.is_net(fd):
        os.close(fd)
        text = "this is no network namespace; `tunnel netns delete` removes the file"
        raise LabError(f"namespace {name!r}: {path_of(name)}: {text}", errno.EINVAL)
    return fd


def put(name: str, fd: int, note: Callable[[os.stat_result], None] = lambda file: None) -> None:
    """Give the namespace behind ``fd`` a name that nothing has.

    The file is there before the mount, as a mount needs one. Who is killed between the two leaves an empty
    file, and it stays: it cannot be told from the one on which another is about to mount, and two
    namespaces on one file would be worse than a name that is deleted by hand. Who keeps a record can tell:
    ``note`` is given the file while it has no name yet.
    """
    path = path_of(name)
    share_folder()
    _place_file(path, note)
    try:
        netns.mount(f"/proc/self/fd/{fd}", str(path), "none", netns.MS_BIND)
    except BaseException:
        take(name)
        raise


def _place_file(path: Path, note: Callable[[os.stat_result], None]) -> None:
    """An empty file that only then gets its name; ``FileExistsError`` where that is taken."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        file = os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0, dir_fd=folder)
        try:
            note(os.fstat(file))
            netns.give_name(file, folder, path.name)
        except FileExistsError as error:
            raise FileExistsError(error.errno, error.strerror, str(path)) from None
        finally:
            os.close(file)
    finally:
        os.close(folder)


def take(name: str) -> None:
    """Remove a name, with whatever is mounted on it. A link is removed, what it leads to is left alone."""
    path = path_of(name)
    try:
        while True:
            netns.unmount(str(path), netns.MNT_DETACH | netns.UMOUNT_NOFOLLOW)
    except OSError as error:  # at last EINVAL: nothing more is mounted on it
        ended = error
    try:
        path.unlink()
    except OSError as error:
        raise ended if (ended.errno, error.errno) == (errno.EPERM, errno.EBUSY) else error from None


def make_folder() -> Path:
    """/run/netns, made where it is missing."""
    NAMED.mkdir(0o755, exist_ok=True)
    return NAMED


def share_folder() -> None:
    """Make /run/netns, and a shared mount of it: what is deleted here is then gone everywhere.

    Under a lock, since two that begin at once would mount it on itself again and again; iproute2 takes
    the same one. It is made private in between so that it is no peer of /run, if that is shared.
    """
    folder = str(make_folder())
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            netns.mount("none", folder, "", netns.MS_SHARED | netns.MS_REC)
        except OSError as error:
            if error.errno != errno.EINVAL:  # which is: no mount yet
                raise
            netns.mount(folder, folder, "none", netns.MS_BIND | netns.MS_REC)
            netns.mount("none", folder, "", netns.MS_PRIVATE | netns.MS_REC)
            netns.mount("none", folder, "", netns.MS_SHARED | netns.MS_REC)
    finally:
        os.close(lock)
