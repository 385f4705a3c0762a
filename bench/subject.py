"""A subject: what is measured, what it needs, how it is built."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from typing import Generic, TypeVar

Site = TypeVar("Site")


class BenchError(Exception):
    """A subject, a load or a tool did not do what it was asked; the text says which and why."""


@dataclass(frozen=True)
class Program:
    """A program that must be on the path, and the line that installs it."""

    name: str
    install: str

    def there(self) -> bool:
        return shutil.which(self.name) is not None


@dataclass(frozen=True)
class Module:
    """A Python distribution: the module it must offer, and the line that installs it."""

    name: str
    install: str

    def there(self) -> bool:
        return importlib.util.find_spec(self.name) is not None


Need = Program | Module
GCC = Program("gcc", "apt-get install gcc")


class Subject(ABC, Generic[Site]):
    """One thing that is measured.

    ``setting`` says in what configuration, for a person. ``build`` makes what the loads of its
    scenario work on and puts the undoing of everything on ``stack``.
    """

    name: str
    setting: str = ""
    needs: tuple[Need, ...] = ()

    @abstractmethod
    def build(self, stack: ExitStack) -> Site:
        """What the loads work on; undone when ``stack`` is closed. Raises BenchError."""

    @abstractmethod
    def version(self) -> str:
        """The version of what is measured, ``""`` where it has none."""

    def missing(self) -> list[str]:
        """The lines that install what is not there."""
        return [need.install for need in self.needs if not need.there()]


def distribution_version(name: str) -> str:
    """The version of an installed Python distribution."""
    return version(name)


def program_version(*argv: str) -> str:
    """The first line in which a program tells its version, ``""`` where it tells none."""
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    lines = (told.stdout + told.stderr).strip().splitlines()
    return lines[0].strip() if lines and not told.returncode else ""
