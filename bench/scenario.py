"""A scenario: subjects, measures, and the loads of one turn. One file each in bench/scenarios."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from bench import scenarios
from bench.measure import Measure, Reading
from bench.subject import BenchError, Need, Subject


@dataclass(frozen=True)
class Length:
    """How long the loads of a turn last: about ``seconds`` each, and ``pings`` where they are counted."""

    seconds: float
    pings: int


@dataclass(frozen=True)
class Scenario:
    """What ``SCENARIO`` of a file in ``bench/scenarios`` is.

    The first subject is the one that the others are compared with. ``load`` puts every load of a
    turn on what a subject built, and returns what was read. ``peer`` makes a subject of a name and
    the path of a program, where the scenario can measure one that it does not know.
    """

    title: str
    measures: tuple[Measure, ...]
    subjects: tuple[Subject[Any], ...]
    load: Callable[[Any, Length], Reading]
    needs: tuple[Need, ...] = ()
    peer: Callable[[str, str], Subject[Any]] | None = None

    def turn(self, subject: Subject[Any], length: Length) -> Reading:
        """Build, load, read, tear down. Raises BenchError."""
        with ExitStack() as stack:
            return self.load(subject.build(stack), length)

    def missing(self) -> list[str]:
        """The lines that install what its loads need."""
        return [need.install for need in self.needs if not need.there()]

    def joined(self, peers: dict[str, str]) -> Scenario:
        """This one with further subjects, of names and paths; BenchError where it takes none."""
        if not peers:
            return self
        if self.peer is None:
            raise BenchError("measures the subjects that it knows: --peer is for others")
        return replace(self, subjects=(*self.subjects, *(self.peer(*named) for named in peers.items())))

    def chosen(self, names: list[str]) -> list[Subject[Any]]:
        """The subjects of these names in that order, all where none is named; else BenchError."""
        known = {subject.name: subject for subject in self.subjects}
        unknown = set(names) - known.keys()
        if unknown:
            raise BenchError(f"no subject {', '.join(sorted(unknown))}: there are {', '.join(known)}")
        return [known[name] for name in names] if names else list(self.subjects)


def names() -> list[str]:
    """The scenarios that there are."""
    return [module.name for module in pkgutil.iter_modules(scenarios.__path__)]


def find(name: str) -> Scenario:
    """The scenario of that name."""
    found = importlib.import_module(f"bench.scenarios.{name}").SCENARIO
    assert isinstance(found, Scenario)
    return found
