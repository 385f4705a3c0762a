"""What the commands for a lab that is up have in common: which lab."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def lab_option(function: Function) -> Function:
    """Adds ``--lab``, which arrives as ``lab_name``; None is the only one that is up."""
    text = "Its name; needed where several labs are up."
    return click.option("--lab", "lab_name", metavar="NAME", help=text)(function)
