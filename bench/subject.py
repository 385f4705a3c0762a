"""A subject: what is measured, what it needs, how it is built."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
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
        """Whether it is installed."""
        return shutil.which(self.name) is not None


@dataclass(frozen=True)
class Module:
    """A Python module that must be found, and the line that installs it."""

    name: str
    install: str

    def there(self) -> bool:
        """Whether it is installed."""
        return importlib.util.find_spec(self.name) is not None


Need = Program | Module
GCC = Program("gcc", "apt-get install gcc")


@dataclass(frozen=True)
class Subject(Generic[Site]):
    """One thing that is measured.

    ``setting`` says in what configuration, for a person. ``build`` makes what the loads of its
    scenario work on, puts the undoing of everything on the stack that it is given, and raises
    BenchError. ``version`` tells that of what is measured, ``""`` where it has none.
    """

    name: str
    setting: str
    build: Callable[[ExitStack], Site]
    version: Callable[[], str] = str
    needs: tuple[Need, ...] = ()

    def missing(self) -> list[str]:
        """The lines that install what is not there."""
        return [need.install for need in self.needs if not need.there()]


def program_version(*argv: str) -> str:
    """The first line in which a program tells its version, ``""`` where it tells none."""
    told = subprocess.run(argv, capture_output=True, text=True, check=False)
    lines = (told.stdout + told.stderr).strip().splitlines()
    return lines[0].strip() if lines and not told.returncode else ""
