"""Builds a lab from a topology: its network, then what runs in it."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from threading import Event
from types import TracebackType
from typing import TYPE_CHECKING

from tunnel.config import dotted
from tunnel.errors import LabError
from tunnel.lab import machine, plan, programs, spanning, topology_file
from tunnel.lab.lab import Lab, Progress
from tunnel.lab.topology import encode
from tunnel.lab.topology_file import Loaded
from tunnel.toml_lines import Place

if TYPE_CHECKING:
    from tunnel.lab import aio

Told = Callable[[str], Progress]
"""Called with what begins; what it returns is called with the share that is done."""


def silent(_text: str) -> Progress:
    """Tells nobody."""
    return lambda share: None


class Blueprint:
    """A lab that is not built yet: ``with`` it, or ``async with`` it, and it is, until the end of the block.

    Nothing is read before that; all mistakes in a file are one ``ConfigError``, each with its line. ``private``
    ones have no name outside: no other program finds them, they need no runtime folder, and any number of one
    file live side by side. They cannot have anything on the host.
    """

    def __init__(self, load: Callable[[], Loaded], *, trust: bool = False, private: bool = False) -> None:
        self._load, self._trust, self._private = load, trust, private
        self._lab: Lab | aio.Lab | None = None

    @cached_property
    def loaded(self) -> Loaded:
        """What it is built from."""
        return self._load()

    def build(
        self, told: Told = silent, begun: Callable[[Lab], None] = lambda lab: None, lab: Lab | None = None
    ) -> Lab:
        """The lab; where anything is refused, everything is gone again before that is raised.

        ``begun`` is called when there is something that could be abandoned; ``lab`` is an empty one to be used.
        """
        loaded = self.loaded
        lab = lab or Lab()
        try:
            begun(lab)
            self._build(loaded, lab, told)
        except BaseException:
            lab.close()
            raise
        return lab

    def _build(self, loaded: Loaded, lab: Lab, told: Told) -> None:
        topology = loaded.topology
        if not self._private:
            lab.claim(topology.name, encode(topology).decode())
        text = f"{len(topology.nodes)} nodes, {len(topology.links)} links"
        lab.carry_out(plan.steps(topology, self._words), told(text))
        lab.topology = topology
        lab.adopt()
        spanning.await_decision(lab, topology, told)
        programs.start_all(lab, loaded, self._trust, told)

    def _words(self, place: Place) -> str:
        where = self.loaded.place(place)
        return f"{where}: {dotted(place)}" if place else where

    def _require_none(self) -> None:
        if self._lab is not None:
            raise LabError("this lab is up already; for another one call from_file() again")

    def __enter__(self) -> Lab:
        self._require_none()
        self._lab = lab = self.build()
        return lab

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        lab, self._lab = self._lab, None
        assert isinstance(lab, Lab)
        lab.close()

    async def __aenter__(self) -> aio.Lab:
        from tunnel.lab import aio  # and asyncio only here: it would be half of what a command imports
        from tunnel.lab.apart import apart

        self._require_none()
        rising = _Rising()
        built = await apart(lambda: self.build(silent, rising.begin), hurry=rising.abandon, undo=Lab.close)
        self._lab = lab = aio.Lab(built)
        return lab

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        from tunnel.lab import aio

        lab, self._lab = self._lab, None
        assert isinstance(lab, aio.Lab)
        await lab.close()


class _Rising:
    """A lab that is being built on one thread and may be given up on another."""

    def __init__(self) -> None:
        self._given_up = Event()
        self._lab: Lab | None = None

    def begin(self, lab: Lab) -> None:
        """There is one."""
        self._lab = lab
        if self._given_up.is_set():
            lab.abandon()

    def abandon(self) -> None:
        """Whatever it is asked next, or is asked now, fails."""
        self._given_up.set()
        if self._lab is not None:
            self._lab.abandon()


def from_file(path: str | os.PathLike[str], *, trust: bool = False, private: bool = False) -> Blueprint:
    """The lab that a file describes."""
    return Blueprint(lambda: topology_file.load(path, trust, machine.facts()), trust=trust, private=private)


def from_text(text: str, *, private: bool = True) -> Blueprint:
    """The lab that a text describes."""
    return Blueprint(lambda: topology_file.parse(text, facts=machine.facts()), trust=True, private=private)
