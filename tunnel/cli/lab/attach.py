"""What the commands for a lab that is up have in common: which lab."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from tunnel.errors import LabError
from tunnel.lab import Lab, attached
from tunnel.lab.topology import Topology

Function = TypeVar("Function", bound=Callable[..., Any])


def lab_option(function: Function) -> Function:
    """Adds ``--lab``, which arrives as ``lab_name``; None is the only one that is up."""
    text = "Its name; needed where several labs are up."
    return click.option("--lab", "lab_name", metavar="NAME", help=text)(function)


@contextmanager
def described(lab_name: str | None) -> Iterator[tuple[Lab, Topology]]:
    """The lab, and what it was built from; ``LabError`` where it is not known."""
    with attached(lab_name) as lab:
        if lab.topology is None:
            raise LabError(f"lab {lab.name}: it was not built from a description, so there is none to go by")
        yield lab, lab.topology
