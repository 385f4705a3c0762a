"""The folder of what a user's running programs can be found by: sockets and records.

``/run/tunnel`` for root, ``$XDG_RUNTIME_DIR/tunnel`` otherwise, of mode 0700. A folder that is a link, is
somebody else's or is open to others is as good as none.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOTS_FOLDER = Path("/run/tunnel")


def folders() -> list[Path]:
    """Where this user's programs are to be found: the first that can be had is used, all are searched."""
    own = os.environ.get("XDG_RUNTIME_DIR", "")
    found = [Path(own, "tunnel")] if own.startswith("/") else []
    return [ROOTS_FOLDER, *found] if os.geteuid() == 0 else found


def opened(folder: Path, *, make: bool = False) -> int | None:
    """A descriptor of the folder, close-on-exec; None unless it is a folder, no link to one, that is ours alone.

    ``make`` makes it where it is missing (``OSError`` where that cannot be).
    """
    if make:
        with suppress(FileExistsError):
            folder.mkdir(0o700)
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    found = os.fstat(fd)
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & 0o077 == 0:
        return fd
    os.close(fd)
    return None


@contextmanager
def held(folder: Path) -> Iterator[str | None]:
    """A short path of the folder; None where ``opened`` gives none.

    The address of a Unix socket has 107 bytes, which a folder below a long name would exceed.
    """
    fd = opened(folder)
    try:
        yield None if fd is None else f"/proc/self/fd/{fd}"
    finally:
        if fd is not None:
            os.close(fd)
