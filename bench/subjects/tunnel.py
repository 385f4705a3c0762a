"""What our own subjects share: the command line, what it needs, its version."""

from __future__ import annotations

import os
import sys

from bench.subject import Module, program_version
from bench.tools import BENCH

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
