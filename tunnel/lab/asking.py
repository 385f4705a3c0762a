"""``Asking``: what the verbs of a namespace stand on, whoever carries them out."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self, TypeAlias

from tunnel.errors import LabError
from tunnel.lab import names

Advice: TypeAlias = Mapping[int, str]
NO_ADVICE: Advice = {}


class Asking(ABC):
    """A namespace that can be asked: ``name`` in texts, ``where`` at the beginning of an error's."""

    name: str
    where: str

    @abstractmethod
    def ask(self, what: str, op: str, *, beside: Self | None = None, **arguments: Any) -> Any:
        """The answer to a request (``tunnel.lab.link_requests``); ``beside`` is another namespace it is about.

        Raises ``LabError``, whose text begins with ``what``.
        """

    @abstractmethod
    def open(self, what: str, op: str, **arguments: Any) -> int:
        """As ``ask``, for a request that opens something: its descriptor, which is the caller's."""

    def _ask(self, what: str, op: str, advice: Advice = NO_ADVICE, **arguments: Any) -> Any:
        return self._advised(f"{self.where}: {what}", op, advice, **arguments)

    def _one(self, what: str, interface: str, op: str, advice: Advice = NO_ADVICE, **arguments: Any) -> Any:
        words = f"{self.where}, {names.interface_name(interface)}: {what}"
        return self._advised(words, op, advice, interface=interface, **arguments)

    def _advised(self, what: str, op: str, advice: Advice, **arguments: Any) -> Any:
        """``advice`` by the number of the error: what it means here, and what to do."""
        try:
            return self.ask(what, op, **arguments)
        except LabError as error:
            if error.errno in advice:
                words = f"{what}: {os.strerror(error.errno)}; {advice[error.errno]}"
                raise LabError(words, error.errno) from error
            raise
