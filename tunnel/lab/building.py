"""Builds a lab from a topology: its network, then what runs in it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from tunnel.config import dotted
from tunnel.lab import aio, machine, plan, programs, spanning, topology_file
from tunnel.lab.lab import Lab, Progress
from tunnel.lab.topology import encode
from tunnel.lab.topology_file import Loaded
from tunnel.toml_lines import Place

Told = Callable[[str], Progress]
"""Called with what begins; what it returns is called with the share that is done."""


def silent(_text: str) -> Progress:
    """Tells nobody."""
    return lambda share: None


@dataclass
class Blueprint:
    """A lab that is not built yet: ``with`` it, or ``async with`` it, and it is, until the end of the block.

    ``private`` ones have no name outside: no other program finds them, they need no runtime folder, and any
    number of one file live side by side. They cannot have anything on the host.
    """

    loaded: Loaded
    trust: bool = False
    private: bool = False
    _labs: list[Lab] = field(default_factory=list)

    def build(self, told: Told = silent) -> Lab:
        """The lab; where anything is refused, everything is gone again before that is raised."""
        lab = Lab()
        try:
            self._build(lab, told)
        except BaseException:
            lab.close()
            raise
        return lab

    def _build(self, lab: Lab, told: Told) -> None:
        topology = self.loaded.topology
        if not self.private:
            lab.claim(topology.name, encode(topology).decode())
        text = f"{len(topology.nodes)} nodes, {len(topology.links)} links"
        lab.carry_out(plan.steps(topology, self._words), told(text))
        lab.topology = topology
        lab.adopt()
        spanning.await_decision(lab, topology, told)
        programs.start_all(lab, self.loaded, self.trust, told)

    def _words(self, place: Place) -> str:
        where = self.loaded.place(place)
        return f"{where}: {dotted(place)}" if place else where

    def __enter__(self) -> Lab:
        self._labs.append(self.build())
        return self._labs[-1]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._labs.pop().close()

    async def __aenter__(self) -> aio.Lab:
        return aio.Lab(await aio.apart(self.__enter__))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.shield(aio.apart(lambda: self.__exit__(kind, error, trace)))


def from_file(path: str | os.PathLike[str], *, trust: bool = False, private: bool = False) -> Blueprint:
    """The lab that a file describes; all mistakes in it are one ``ConfigError``, with their lines."""
    return Blueprint(topology_file.load(path, trust, machine.facts()), trust, private)


def from_text(text: str, *, private: bool = True) -> Blueprint:
    """The lab that a text describes, as ``from_file``."""
    return Blueprint(topology_file.parse(text, facts=machine.facts()), True, private)
