"""``tunnel netns``: network namespaces by name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Literal, TypeVar

import click

from tunnel.cli import Verbs
from tunnel.cli.table import json_option, show_json, show_table
from tunnel.errors import ConfigError, LabError

Given = TypeVar("Given", str, tuple[str, ...])

TO_A_PROGRAM = {"ignore_unknown_options": True, "allow_interspersed_args": False}


def _checked(check: Callable[[str], str], given: str | tuple[str, ...]) -> None:
    """Raises ``ConfigError`` for every name that ``check`` refuses."""
    wrong = []
    for name in (given,) if isinstance(given, str) else given:
        try:
            check(name)
        except LabError as error:
            wrong.append(str(error))
    if wrong:
        raise ConfigError(wrong)


def _new(_context: click.Context, _parameter: click.Parameter, given: Given) -> Given:
    """Names that can be given."""
    from tunnel.lab.names import namespace_name

    _checked(namespace_name, given)
    return given


def _known(_context: click.Context, _parameter: click.Parameter, given: Given) -> Given:
    """Names that there can be."""
    from tunnel.lab.names import namespace_file

    _checked(namespace_file, given)
    return given


def _id(_context: click.Context, _parameter: click.Parameter, text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if not (text.isascii() and text.isdecimal() and int(text) < 2**31):
        raise click.BadParameter(f"{text!r} is neither 'auto' nor a number from 0 to {2**31 - 1}.")
    return int(text)


def _shown(name: str) -> str:
    """A name by which nobody can write to the terminal what is no name."""
    return name if name.isprintable() else repr(name)


@click.group(cls=Verbs, no_args_is_help=False)
def command() -> None:
    """Make, look at, enter and remove network namespaces by name.

    They are those of `ip netns`: files in /run/netns, with what is theirs of /etc in /etc/netns/NAME.
    Names that are added have printable characters, 255 bytes at most, no '/', and no '-' at their beginning.
    """


@command.command("list")
@json_option
def list_all(as_json: bool) -> None:
    """List the names, with the ids that this namespace has for them, and inodes."""
    from tunnel.lab import named

    found = named.listed()
    if as_json:
        show_json([asdict(one) for one in found])
    elif found:
        show_table(["name", "nsid", "inode"], [[_shown(one.name), _cell(one.nsid), _inode(one.inode)] for one in found])


def _cell(value: int | str | None) -> str:
    return "-" if value is None else str(value)


def _inode(value: int | None) -> str:
    return "no namespace" if value is None else str(value)


@command.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", callback=_new)
def add(names: tuple[str, ...]) -> None:
    """Make namespaces; all of them or none. The loopback interface in them is down."""
    from tunnel.lab import named

    named.add(*names)


@command.command()
@click.argument("name", callback=_new)
@click.argument("pid", type=click.IntRange(min=1))
def attach(name: str, pid: int) -> None:
    """Give the network namespace of the process PID a NAME."""
    from tunnel.lab import named

    named.attach(name, pid)


@command.command()
@click.option("--all", "everything", is_flag=True, help="All that `list` shows.")
@click.argument("names", nargs=-1, metavar="[NAME]...", callback=_known)
def delete(names: tuple[str, ...], everything: bool) -> None:
    """Remove names; a namespace is gone with the last process in it.

    All are tried; what cannot be removed is told afterwards, and the exit code is then 2.
    """
    from tunnel.lab import named

    if everything == bool(names):
        raise click.UsageError("Expected either NAME or --all")
    if everything:
        named.delete_all()
    else:
        named.delete(*names)


@command.command("exec", context_settings=TO_A_PROGRAM)
@click.option("--all", "everywhere", is_flag=True, help="In every one, after another; there is no NAME then.")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="NAME [COMMAND]...")
@click.pass_context
def execute(context: click.Context, words: tuple[str, ...], everywhere: bool) -> int:
    """Run a COMMAND in a namespace; without one a shell ($SHELL, or /bin/sh).

    It has a mount namespace of its own, in which /sys tells of the network namespace and the files in
    /etc/netns/NAME lie over those in /etc. Options behind NAME are the command's.

    The exit code is the command's own; 255 where there is no such namespace or it cannot be entered, 127
    where the command cannot be executed. With --all a line `netns: NAME` comes before each, what one
    command ends with does not keep the others from running, and the exit code is 0.
    """
    from tunnel.lab import named_exec, named_files

    if not words:
        raise click.UsageError(f"Missing argument '{'COMMAND' if everywhere else 'NAME'}'", context)
    if not everywhere:
        return named_exec.execute(words[0], words[1:] or (os.environ.get("SHELL") or "/bin/sh",))
    for name in named_files.all_names():
        click.echo(f"\nnetns: {_shown(name)}")
        named_exec.execute_and_wait(name, words)
    return 0


@command.command()
@click.argument("pid", required=False, type=click.IntRange(min=1))
@json_option
def identify(pid: int | None, as_json: bool) -> None:
    """Show the names of the namespace of the process PID, or else of this one, a line each.

    That it has none is no error.
    """
    from tunnel.lab import named

    _show_lines(named.identify(pid), as_json)


@command.command()
@click.argument("name", callback=_known)
@json_option
def pids(name: str, as_json: bool) -> None:
    """Show the processes in a namespace, a line each."""
    from tunnel.lab import named

    _show_lines(named.pids(name), as_json)


def _show_lines(found: Iterable[int | str], as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    for one in found:
        click.echo(_shown(str(one)))


@command.command()
@json_option
def monitor(as_json: bool) -> None:
    """Show names as they are added and deleted, until interrupted: `add NAME` or `delete NAME`, a line each.

    As JSON, an object a line.
    """
    from tunnel.lab.named_watch import Monitor

    with Monitor() as events:
        for event in events:
            click.echo(json.dumps(asdict(event)) if as_json else f"{event.what} {_shown(event.name)}")


@command.command("set")
@click.argument("name", callback=_known)
@click.argument("nsid", callback=_id)
def set_id(name: str, nsid: int | Literal["auto"]) -> None:
    """Give a namespace the number NSID ('auto': a free one), by which the kernel tells of it in this one.

    It cannot be changed.
    """
    from tunnel.lab import named

    named.set_id(name, nsid)


@command.command("list-id")
@json_option
def list_ids(as_json: bool) -> None:
    """List the numbers that this namespace has for others, and their names."""
    from tunnel.lab import named

    found = named.ids()
    if as_json:
        show_json([asdict(one) for one in found])
    elif found:
        show_table(["nsid", "name"], [[str(one.nsid), _shown(one.name) if one.name else "-"] for one in found])
