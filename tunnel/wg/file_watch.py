"""Whether a file is still there, without looking again and again: inotify(7)."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

IN_ATTRIB, IN_DELETE_SELF, IN_MOVE_SELF = 0x4, 0x400, 0x800  # linux/inotify.h

_libc = ctypes.CDLL(None, use_errno=True)


class FileWatch:
    """``fd`` is readable after the file was removed, moved, or had its mode changed.

    A socket that is removed while somebody has it only loses a link (IN_ATTRIB).
    """

    def __init__(self, path: Path) -> None:
        self.fd = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        try:
            _checked(_libc.inotify_add_watch(self.fd, os.fsencode(path), IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF))
        except OSError:
            self.close()
            raise

    def clear(self) -> None:
        """Take what was told: it is not readable until more happens."""
        os.read(self.fd, 4096)

    def close(self) -> None:
        """Watch no more."""
        os.close(self.fd)


def _checked(status: int) -> int:
    if status < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return status
