"""The socket ``/var/run/wireguard/NAME.sock``, by which `wg` finds the interface."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tunnel.errors import ConfigError, DeviceError

FOLDER = Path("/var/run/wireguard")
BACKLOG = 128


class UapiSocket:
    """A listening socket and its file. ``sock`` does not block."""

    def __init__(self, sock: socket.socket, path: Path) -> None:
        self.sock, self.path = sock, path
        self._file = _identity(path)

    def ours(self) -> bool:
        """The file is still there, and is still that of this socket."""
        return self._file is not None and _identity(self.path) == self._file

    def remove(self) -> None:
        """Close the socket and take its file away, unless somebody has put another one there."""
        self.sock.close()
        if self.ours():
            with suppress(FileNotFoundError):
                self.path.unlink()


def listen(name: str) -> UapiSocket:
    """A new socket for interface ``name``; what a dead process left is removed.

    ``DeviceError`` where another process listens, ``ConfigError`` for a folder that others may write.
    """
    path = _folder() / f"{name}.sock"
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        with _umask(0o077):
            _bind(sock, path)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise DeviceError(f"{path}: {error.strerror}", error.errno or 0) from None
    except BaseException:
        sock.close()
        raise
    return UapiSocket(sock, path)


def adopt(fd: int, name: str) -> UapiSocket:
    """A bound, listening socket that was opened elsewhere; it belongs to the result."""
    try:
        sock = socket.socket(fileno=fd)
    except OSError as error:
        raise ConfigError(f"descriptor {fd}: {error.strerror}; a listening socket was expected") from None
    if sock.family != socket.AF_UNIX or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        sock.detach()
        raise ConfigError(f"descriptor {fd}: a listening Unix socket was expected")
    sock.setblocking(False)
    os.set_inheritable(fd, False)
    return UapiSocket(sock, FOLDER / f"{name}.sock")


def _bind(sock: socket.socket, path: Path) -> None:
    try:
        sock.bind(str(path))
    except OSError:
        if not _is_stale(path):
            raise DeviceError(f"{path}: in use; another program serves this interface") from None
        path.unlink()
        sock.bind(str(path))


def _is_stale(path: Path) -> bool:
    """A socket that nobody listens on."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        try:
            sock.connect(str(path))
        except ConnectionRefusedError:
            return stat.S_ISSOCK(path.lstat().st_mode)
        except BlockingIOError:  # its backlog is full
            return False
    return False


def _folder() -> Path:
    """Made where it is missing. Whoever could write it, or exchange it, could be configured in our place."""
    with suppress(FileExistsError), _umask(0o022):
        FOLDER.mkdir(0o755)
    found, above = FOLDER.lstat(), FOLDER.parent.stat()
    if not stat.S_ISDIR(found.st_mode) or _writable(found):
        raise ConfigError(f"{FOLDER}: refused, since others may write it: a folder of root's was expected, mode 0755")
    if _writable(above) and not above.st_mode & stat.S_ISVTX:
        raise ConfigError(f"{FOLDER.parent}: refused, since others may write it: a folder of root's was expected")
    return FOLDER


def _writable(status: os.stat_result) -> bool:
    return bool(status.st_mode & 0o022) or status.st_uid not in (0, os.geteuid())


def _identity(path: Path) -> tuple[int, int, int] | None:
    """The number of a file that was removed is soon given to another, but not within the same moment."""
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)
