"""Whether a file is still there, without looking again and again: inotify(7)."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

from tunnel.errors import DeviceError

IN_ATTRIB, IN_DELETE_SELF, IN_MOVE_SELF = 0x4, 0x400, 0x800  # linux/inotify.h

REMEDIES = {
    errno.EMFILE: "raise fs.inotify.max_user_instances (sysctl), or the limit of open files (ulimit -n)",
    errno.ENOSPC: "raise fs.inotify.max_user_watches (sysctl)",
}

_libc = ctypes.CDLL(None, use_errno=True)


class FileWatch:
    """``fd`` is readable after the file was removed, moved, or had its mode changed.

    A socket that is removed while somebody has it only loses a link (IN_ATTRIB). ``DeviceError`` where it
    cannot be watched: one user has 128 such descriptors, unless told otherwise.
    """

    def __init__(self, path: Path) -> None:
        self.fd = _checked(path, _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        try:
            wanted = IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
            _checked(path, _libc.inotify_add_watch(self.fd, os.fsencode(path), wanted))
        except DeviceError:
            self.close()
            raise

    def clear(self) -> None:
        """Take what was told: it is not readable until more happens."""
        os.read(self.fd, 4096)

    def close(self) -> None:
        """Watch no more."""
        os.close(self.fd)


def _checked(path: Path, status: int) -> int:
    if status < 0:
        number = ctypes.get_errno()
        remedy = REMEDIES.get(number)
        raise DeviceError(f"watching {path}: {os.strerror(number)}" + (f"; {remedy}" if remedy else ""), number)
    return status
