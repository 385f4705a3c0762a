"""Rows for a person or for a program."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

Function = TypeVar("Function", bound=Callable[..., Any])


def json_option(function: Function) -> Function:
    """Adds ``-j``, which arrives as ``as_json``."""
    return click.option("-j", "--json", "as_json", is_flag=True, help="Print JSON.")(function)


def show_json(value: object) -> None:
    """Prints ``value`` as indented JSON."""
    click.echo(json.dumps(value, indent=2))


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints rows below their heads, each column as wide as its widest cell.

    On a terminal that is too narrow the last column goes below the others, indented.
    """
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    columns = terminal_columns()
    folded = columns is not None and sum(widths) + 2 * len(widths) - 2 > columns
    for row in [[head.upper() for head in heads], *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        last = cells.pop().rstrip() if folded else ""
        click.echo("  ".join(cells).rstrip())
        if last:
            click.echo(textwrap.fill(last, columns or 0, initial_indent="    ", subsequent_indent="    "))


def show_text(text: str) -> None:
    """Prints a paragraph, in lines no wider than the terminal; as one line where there is none."""
    columns = terminal_columns()
    click.echo(textwrap.fill(text, columns) if columns else text)


def terminal_columns() -> int | None:
    """The width of the terminal that is written to; None where that is none."""
    return max(40, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None
