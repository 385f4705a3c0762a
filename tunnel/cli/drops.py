"""``tunnel drops``: where running engines lost packets."""

from __future__ import annotations

from typing import Any

import click

from tunnel import control
from tunnel.cli.table import json_option, show_json, show_table, show_text
from tunnel.errors import ConfigError, TunnelError

COLUMNS = ("where", "reason", "packets", "descriptors", "bytes", "meaning")
TERMS = ("rx", "emitted", "cloned", "tx", "held", "consumed", "drops")


@click.command()
@click.argument("pid", required=False, type=click.IntRange(min=1))
@json_option
@click.pass_context
def command(context: click.Context, pid: int | None, as_json: bool) -> None:
    """Show what the engine PID dropped and why; of all your engines unless told.

    The kernel's drops are in the table too: on the account of the engine's devices (kernel) and, as far
    as they are not 0, those in the namespaces of its sockets, whoever's they are (netns).

    That no engine runs is no error. The exit code is 1 where PID is no engine of yours, 2 where one does
    not answer.
    """
    found, silent = _every() if pid is None else ([control.ask(pid, "drops")], [])
    if as_json:
        show_json(found)
    elif not found and not silent:
        click.echo("no engine of yours is running")
    else:
        for number, one in enumerate(found):
            click.echo("\n" * bool(number), nl=False)
            _tell(one)
    for error in silent:
        click.echo(f"tunnel: {error}", err=True)
    context.exit(TunnelError.exit_code if silent else 0)


def _every() -> tuple[list[Any], list[TunnelError]]:
    """What each engine answers, and why some do not."""
    found, silent = [], []
    for pid in control.engines():
        try:
            found.append(control.ask(pid, "drops"))
        except ConfigError:
            continue  # what a dead one left
        except TunnelError as error:
            silent.append(error)
    return found, silent


def _tell(one: dict[str, Any]) -> None:
    show_text(f"engine {one['pid']}: {', '.join(one['links'])}")
    click.echo()
    rows = [[_cell(row[column]) for column in COLUMNS] for row in one["rows"]]
    show_table(COLUMNS, rows)
    click.echo(f"\n{_law(one['account'])}")
    if any(row["packets"] is None for row in one["rows"]):
        click.echo()
        show_text(one["note"])


def _cell(value: str | int | None) -> str:
    return "-" if value is None else str(value)


def _law(account: dict[str, int]) -> str:
    """``rx 5 + emitted 0 + ...``, as ``tunnel.counters`` states it."""
    terms = [f"{name} {account[name]}" for name in TERMS]
    waiting = f" + {account['open']} on their way" if account["open"] else ""
    return f"{' + '.join(terms[:3])} = {' + '.join(terms[3:])}{waiting}"
