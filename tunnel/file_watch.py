"""What happens to a file or in a folder, without looking again and again: inotify(7)."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from pathlib import Path

from tunnel.errors import DeviceError

IN_ATTRIB, IN_CREATE, IN_DELETE = 0x4, 0x100, 0x200  # linux/inotify.h
IN_DELETE_SELF, IN_MOVE_SELF = 0x400, 0x800
IN_Q_OVERFLOW, IN_IGNORED = 0x4000, 0x8000
GONE = IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
BUFFER = 4096
HEAD = struct.Struct("iIII")  # wd, mask, cookie, length of the name behind it

REMEDIES = {
    errno.EMFILE: "raise fs.inotify.max_user_instances (sysctl), or the limit of open files (ulimit -n)",
    errno.ENOSPC: "raise fs.inotify.max_user_watches (sysctl)",
}

_libc = ctypes.CDLL(None, use_errno=True)


class FileWatch:
    """``fd`` is readable after what is ``wanted`` (IN_*): that the file was removed, moved, or had its mode
    changed, unless told otherwise.

    A socket that is removed while somebody has it only loses a link (IN_ATTRIB). ``DeviceError`` where it
    cannot be watched: one user has 128 such descriptors, unless told otherwise.
    """

    def __init__(self, path: Path, wanted: int = GONE) -> None:
        self.fd = _checked(path, _libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        try:
            _checked(path, _libc.inotify_add_watch(self.fd, os.fsencode(path), wanted))
        except DeviceError:
            self.close()
            raise

    def take(self) -> list[tuple[int, str]]:
        """Take what was told, in its order: masks (IN_*), and the names of files in a folder.

        ``fd`` is not readable until more happens, unless the buffer was too small for all. Raises
        ``BlockingIOError`` where nothing has happened.
        """
        told, place, found = os.read(self.fd, BUFFER), 0, []
        while place < len(told):
            _, mask, _, length = HEAD.unpack_from(told, place)
            place += HEAD.size + length
            found.append((mask, os.fsdecode(told[place - length : place].rstrip(b"\0"))))
        return found

    def close(self) -> None:
        """Watch no more."""
        os.close(self.fd)


def _checked(path: Path, status: int) -> int:
    if status < 0:
        number = ctypes.get_errno()
        remedy = REMEDIES.get(number)
        raise DeviceError(f"watching {path}: {os.strerror(number)}" + (f"; {remedy}" if remedy else ""), number)
    return status
