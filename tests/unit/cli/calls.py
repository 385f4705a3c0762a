"""Calls the command line in this process, or as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tunnel.cli import main

TOP = Path(__file__).parents[3]
NODES = Path(__file__).parents[1] / "nodes.py"


class Ended(NamedTuple):
    """How a call ended."""

    status: int | str | None
    out: str
    err: str


def call(capsys: pytest.CaptureFixture[str], *args: str) -> Ended:
    """``tunnel ARGS`` in this process."""
    with pytest.raises(SystemExit) as caught:
        main(args)
    return Ended(caught.value.code, *capsys.readouterr())


def spawn(*args: str) -> Ended:
    """``tunnel ARGS`` as a process."""
    done = subprocess.run(
        [sys.executable, "-m", "tunnel", *args], cwd=TOP, capture_output=True, text=True, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def graph_file(folder: Path, links: str = '"a -- b"') -> str:
    """A graph of two devices that need no rights."""
    file = folder / "graph.toml"
    file.write_text(
        f'[devices.a]\ntype = "{NODES}:Cable"\n[devices.b]\ntype = "{NODES}:Cable"\n'
        f'[handlers.two]\ntype = "{NODES}:Two"\n[graph]\nlinks = [{links}]\n'
    )
    return str(file)
