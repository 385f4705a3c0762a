"""A log of keys, so that tshark (``-o wg.keylog_file:PATH``) can read what was captured.

It holds what opens recorded traffic: ephemeral private keys and preshared keys, never static private keys.
An initiation of ours opens only if the peer's public key is told too.
"""

from __future__ import annotations

import logging
import os

from tunnel.errors import ConfigError

log = logging.getLogger(__name__)

KINDS = ("LOCAL_EPHEMERAL_PRIVATE_KEY = ", "PRESHARED_KEY = ", "REMOTE_STATIC_PUBLIC_KEY = ")


class KeyLog:
    """A file that it makes, for its user alone. ``ConfigError`` where there is a file already, or none can be."""

    def __init__(self, path: str) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_APPEND | os.O_CLOEXEC
        try:
            self._fd = os.open(path, flags, 0o600)
        except OSError as error:
            raise ConfigError(f"key log {path}: {error.strerror}; a path where nothing is yet was expected") from None
        log.warning("THE KEYS ARE LOGGED: whoever reads %s reads all that this interface sends and receives", path)

    def __call__(self, line: str) -> None:
        """Write a line of one of ``KINDS``."""
        if not line.startswith(KINDS):
            raise ValueError(f"a line of the key log: {' or '.join(KINDS)}was expected")
        try:
            os.write(self._fd, line.encode() + b"\n")
        except OSError as error:
            log.error("key log: %s", error.strerror)

    def close(self) -> None:
        """Close the file, which stays."""
        os.close(self._fd)
