"""What all of our own subjects share: the command line, what it needs, its version."""

from __future__ import annotations

import sys

from bench.subject import Module, Need, program_version
from bench.tools import BENCH


class Tunnel:
    """Put before a subject's class: it is run by the ``tunnel`` command of this tree."""

    needs: tuple[Need, ...] = (Module("tunnel.cli", "make build"),)

    def tunnel(self, *words: str) -> tuple[str, ...]:
        """The command line of one ``tunnel`` command."""
        return (sys.executable, "-m", "tunnel", *words)

    def version(self) -> str:
        """The commit of the tree."""
        return program_version("git", "-C", str(BENCH), "describe", "--always", "--dirty")
