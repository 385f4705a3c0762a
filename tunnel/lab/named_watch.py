"""Names of namespaces as they come and go."""

from __future__ import annotations

import select
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tunnel.errors import DeviceError, LabError
from tunnel.file_watch import IN_CREATE, IN_DELETE, IN_IGNORED, IN_Q_OVERFLOW, FileWatch
from tunnel.lab.named_files import make_folder, refusals


@dataclass(frozen=True)
class Event:
    """What happened to a name. It is added a moment before its namespace can be entered."""

    what: Literal["add", "delete"]
    name: str


class Monitor:
    """An iterator of what happens to names from its making on, whoever does it; it waits for more.

    ``fd`` is readable when there is more. Making one makes /run/netns where that is missing. Raises
    ``LabError`` where it cannot watch, where that folder is removed, and where the kernel lost events.
    """

    def __init__(self) -> None:
        with refusals("watch the names of namespaces"):
            folder = make_folder()
        try:
            self._watch = FileWatch(folder, IN_CREATE | IN_DELETE)
        except DeviceError as error:
            raise LabError(str(error), error.errno) from error
        self.fd = self._watch.fd
        self._folder, self._waiting = folder, list[Event]()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        waiter = select.poll()
        waiter.register(self.fd, select.POLLIN)
        while not self._waiting:
            waiter.poll()
            with suppress(BlockingIOError):
                self._waiting += [_event(self._folder, mask, name) for mask, name in self._watch.take()]
        return self._waiting.pop(0)

    def close(self) -> None:
        """Watch no more."""
        self._watch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _event(folder: Path, mask: int, name: str) -> Event:
    if mask & IN_Q_OVERFLOW:
        raise LabError(f"watch {folder}: events were lost; `tunnel netns list` shows what is there now")
    if mask & IN_IGNORED:
        raise LabError(f"watch {folder}: the folder was removed; start again")
    return Event("add" if mask & IN_CREATE else "delete", name)
