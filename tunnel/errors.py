"""The errors a user can meet: each says what, where and what to do.

``exit_code`` is what the ``tunnel`` command ends with: 1 for usage or configuration, 2 for what the
kernel refused. A malformed packet is never an exception; see ``tunnel.reasons``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class TunnelError(Exception):
    """Base of all errors raised on purpose."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One mistake in a configuration; ``file`` and ``line`` (counted from 1) where they are known."""

    text: str
    file: str | Path | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = [str(part) for part in (self.file, self.line) if part is not None]
        return f"{':'.join(place)}: {self.text}" if place else self.text


class ConfigError(TunnelError):
    """A wrong option, graph or file; ``problems`` holds every mistake found, one line each in the text."""

    exit_code = 1

    def __init__(self, problems: str | Problem | Sequence[str | Problem]) -> None:
        found = [problems] if isinstance(problems, (str, Problem)) else problems
        self.problems = tuple(p if isinstance(p, Problem) else Problem(p) for p in found)
        super().__init__("\n".join(map(str, self.problems)))


class DeviceError(TunnelError):
    """A device that the kernel refused; ``errno`` is its number, 0 where it gave none."""

    def __init__(self, text: str, errno: int = 0) -> None:
        super().__init__(text)
        self.errno = errno


class DeviceClosed(DeviceError):
    """The device is gone: closed here, deleted, or its namespace removed.

    ``device`` is set by the data path; ``finished`` means that it has given all it had (the end of
    a capture file), which is no fault.
    """

    device: Any = None

    def __init__(self, text: str, errno: int = 0, *, finished: bool = False) -> None:
        super().__init__(text, errno)
        self.finished = finished


class WorkerError(TunnelError):
    """A worker was killed, or raised what is no ``TunnelError``: which one and what."""

    def __init__(self, text: str, *, exit_code: int = 2) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class LabError(TunnelError):
    """A lab could not be built: what was asked, why it failed, the remedy; ``errno`` as in DeviceError."""

    def __init__(self, text: str, errno: int = 0) -> None:
        super().__init__(text)
        self.errno = errno
