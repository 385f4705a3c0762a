"""What our own subjects share: the command line, what it needs, its version."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TypeVar

from bench.subject import Module, Subject, program_version
from bench.tools import BENCH

Site = TypeVar("Site")
NEEDS = (Module("tunnel.breath", "make build"),)


def tunnel(*words: str) -> list[str]:
    """The command line of one ``tunnel`` command of this tree."""
    return [sys.executable, "-m", "tunnel", *words]


def without_offloads() -> dict[str, str]:
    """The environment in which ``tunnel`` uses no offload."""
    return os.environ | {"TUNNEL_NO_OFFLOAD": "all"}


def commit() -> str:
    """The commit of this tree, with ``-dirty`` where it has changed since."""
    return program_version("git", "-C", str(BENCH), "describe", "--always", "--dirty")


def ours(name: str, setting: str, build: Callable[[ExitStack], Site]) -> Subject[Site]:
    """A subject of this tree."""
    return Subject(name=name, setting=setting, build=build, version=commit, needs=NEEDS)
