"""What a lab has made that its holder's death does not take along, written down before it is made.

``lab-NAME.journal`` in the runtime folder (``tunnel.runtime``): one JSON object a line, each a thing with
what identifies it for certain: a process by its number and start time, a namespace by inode and cookie, a
link by index and namespace. Its holder keeps it locked (flock(2)): a journal that can be locked is a dead
lab's, whatever process numbers have come to mean.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tunnel.errors import LabError
from tunnel.lab import netns

BEGINNING, END = "lab-", ".journal"
LARGEST = 64 << 20


def file_name(lab: str) -> str:
    """The name of a lab's journal."""
    return f"{BEGINNING}{lab}{END}"


def socket_name(lab: str) -> str:
    """The name of the socket at which its holder listens."""
    return f"{BEGINNING}{lab}.sock"


def log_name(lab: str) -> str:
    """The name of the file for what its holder says once nobody listens."""
    return f"{BEGINNING}{lab}.log"


def labs(folder: int) -> list[str]:
    """The labs that have a journal in the folder."""
    names = (name for name in os.listdir(folder) if name.startswith(BEGINNING) and name.endswith(END))
    return sorted(name.removeprefix(BEGINNING).removesuffix(END) for name in names)


@dataclass
class Journal:
    """The journal of a lab, open and locked by this process; ``folder`` is a descriptor that it owns."""

    lab: str
    folder: int
    fd: int

    @classmethod
    def create(cls, lab: str, folder: int) -> Journal:
        """A new one; ``LabError`` where there is one of the name."""
        fd = -1
        try:
            fd = os.open(".", os.O_TMPFILE | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC, 0o600, dir_fd=folder)
            fcntl.flock(fd, fcntl.LOCK_EX)  # before anybody can take it for a dead lab's
            netns.give_name(fd, folder, file_name(lab))
        except OSError as error:
            if fd >= 0:
                os.close(fd)
            if error.errno == errno.EEXIST:
                raise LabError(f"lab {lab}: {_why_taken(lab, folder)}", errno.EEXIST) from None
            raise unwritten(lab, error) from None
        return cls(lab, folder, fd)

    @classmethod
    def of_dead(cls, lab: str, folder: int) -> Journal | None:
        """That of a lab whose holder has died, now locked here; None where it lives, or there is none.

        ``folder`` stays the caller's. ``LabError`` for a file that is not ours alone.
        """
        try:
            fd = os.open(file_name(lab), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LabError(f"lab {lab}: its journal: {error.strerror}; it is left alone", error.errno or 0) from None
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            os.close(fd)
            raise LabError(f"lab {lab}: its journal is not a file of ours alone (mode 0600); it is left alone")
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        if not os.fstat(fd).st_nlink:  # it was removed meanwhile, and the name may be another's
            os.close(fd)
            return None
        return cls(lab, os.dup(folder), fd)

    def log(self) -> int:
        """A descriptor to say things to, in a file beside the journal."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(log_name(self.lab), flags, 0o600, dir_fd=self.folder)

    def add(self, kind: str, **what: Any) -> None:
        """Writes down what is about to be made; ``LabError`` where it cannot, and then it must not be made."""
        line = json.dumps({"kind": kind, **what}).encode() + b"\n"
        before = os.fstat(self.fd).st_size
        try:
            if os.write(self.fd, line) != len(line):
                os.ftruncate(self.fd, before)  # half a line would spoil the next
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise unwritten(self.lab, error) from None

    def entries(self) -> list[dict[str, Any]]:
        """What is written in it, in order; a last line that was cut off described what was never made."""
        found = []
        for line in os.pread(self.fd, LARGEST, 0).splitlines(keepends=True):
            if line.endswith(b"\n"):
                with suppress(ValueError):
                    found.append(json.loads(line))
        return found

    def remove(self) -> None:
        """The lab is gone, and so is the journal; its socket and log go first."""
        for name in (socket_name(self.lab), log_name(self.lab), file_name(self.lab)):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=self.folder)
        self.close()

    def close(self) -> None:
        """Lets go of it, and of the lock."""
        os.close(self.fd)
        os.close(self.folder)


def unwritten(lab: str, error: OSError) -> LabError:
    """The error where the runtime folder takes no record."""
    text = f"lab {lab}: what it makes cannot be recorded: {error.strerror}; the runtime folder must have room"
    return LabError(text, error.errno or 0)


def _why_taken(lab: str, folder: int) -> str:
    dead = Journal.of_dead(lab, folder)
    if dead is None:
        return f"one of that name is up; choose another, or take it down: tunnel lab down {lab}"
    dead.close()
    return "one of that name died and left things behind; tunnel lab clean removes them"
