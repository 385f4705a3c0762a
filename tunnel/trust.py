"""Reads a file that decides what a root process does.

What root runs must be root's own writing. A file, every folder above it and every symbolic link on
the way belong to root, and nobody else may write file or folders; in a sticky folder such as /tmp
only the owner replaces an entry, so an entry of root's is safe there. An ACL that lets others write
shows in the group bits (acl(5)), so the mode alone is enough to look at.

The path is walked by descriptors, one name after the other, and the bytes come from the descriptor
that was checked: nothing is opened a second time by its path.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tunnel.errors import ConfigError

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: opening a FIFO must not wait for its writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LINKS_MAX = 40      # as the kernel: path_resolution(7)
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH


def read(path: str | os.PathLike[str], trust: bool = False) -> bytes:
    """The bytes of the file ``path``.

    Run as root, a file that others may write or exchange is a ``ConfigError``, unless ``trust``; so
    is one that cannot be read at all.
    """
    try:
        if trust or not _is_root():
            return Path(path).read_bytes()
        with os.fdopen(_Walk(path).open(), "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"{os.fspath(path)}: cannot be read: {error.strerror}") from None


def _is_root() -> bool:
    """Whether the process has more rights than the user who started it may hand to others.

    Root of a user namespace with a single id is that user alone, and there the files of the real
    root show as nobody's.
    """
    if os.geteuid() != 0:
        return False
    ranges = Path("/proc/self/uid_map").read_text().split()
    return ranges[2:] != ["1"]


class _Walk:
    """One way from / to a file, by descriptors."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        self.ahead = _names(os.path.join(os.getcwd(), self.path))
        self.behind = "/"
        self.links = 0

    def open(self) -> int:
        """The descriptor of the file, checked as every step before it."""
        at = self.root()
        while self.ahead:
            at = self.advance(at)
        return at

    def root(self) -> int:
        self.behind = "/"
        return self.checked(os.open("/", _FOLDER))

    def advance(self, folder: int) -> int:
        """One name further; ``folder`` is closed."""
        name = self.ahead.pop()
        try:
            target = self.link(name, folder)
            if target is None:
                return self.step(name, folder)
            self.ahead += _names(target)
            return self.root() if target.startswith("/") else os.dup(folder)
        finally:
            os.close(folder)

    def step(self, name: str, folder: int) -> int:
        self.behind = os.path.join(self.behind, name)
        return self.checked(os.open(name, _FOLDER if self.ahead else _FILE, dir_fd=folder))

    def checked(self, fd: int) -> int:
        """The descriptor; closed where what it shows is refused."""
        try:
            self.check(os.fstat(fd))
        except BaseException:
            os.close(fd)
            raise
        return fd

    def link(self, name: str, folder: int) -> str | None:
        """Where the symbolic link ``name`` leads, None where it is none."""
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISLNK(status.st_mode):
            return None
        self.links += 1
        if self.links > _LINKS_MAX:
            raise OSError(0, "too many symbolic links")
        self.owned(status, os.path.join(self.behind, name))
        return os.readlink(name, dir_fd=folder)

    def check(self, status: os.stat_result) -> None:
        self.owned(status, self.behind)
        is_sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
        if status.st_mode & _WRITABLE and not is_sticky:
            self.refuse(f"{self.behind} may be written by others (mode {stat.S_IMODE(status.st_mode):o})")
        if not self.ahead and not stat.S_ISREG(status.st_mode):
            self.refuse(f"{self.behind} is not a regular file")

    def owned(self, status: os.stat_result, path: str) -> None:
        if status.st_uid != 0:
            self.refuse(f"{path} belongs to uid {status.st_uid}")

    def refuse(self, why: str) -> None:
        raise ConfigError(
            f"{self.path}: refused, since {why}: what root runs, with every folder above it, must be "
            "root's and writable by root alone; change that, or pass --trust-file"
        )


def _names(path: str) -> list[str]:
    """The names of a path, the first one last."""
    return [name for name in path.split("/") if name not in ("", ".")][::-1]
