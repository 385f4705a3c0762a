"""The command ``tunnel``: each command is the file of its name, imported only when it is called.

Exit codes: 0; 1 usage or configuration; 2 refused by the kernel; 130 interrupted; 141 nobody reads
the output any more. An error is one line a mistake on stderr: what, where, what to do.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from tunnel import __version__
from tunnel.errors import TunnelError

# Here, so that the help needs no import; ``tunnel COMMAND --help`` is the command's own.
COMMANDS = {
    "bridge": "Make, look at, change and remove bridges.",
    "check": "Check a graph file and show what it joins.",
    "demo": "Build two hosts and a tunnel between them, use it, account for every packet.",
    "doctor": "Check this machine: what works, what does not, what to do.",
    "drops": "Show where running engines lost packets, and why.",
    "echo": "Answer pings, ARP and neighbour solicitations on a TUN or TAP.",
    "handlers": "List the types of handlers and devices that graph files can use.",
    "lab": "Describe a network in a file, build it, look at it, break it, take it down.",
    "link": "Look at interfaces and change them, with addresses, routes, rules and neighbours.",
    "netns": "Make, look at, enter and remove network namespaces by name.",
    "run": "Run a graph file.",
    "tap": "Make and remove persistent TAPs.",
    "tun": "Make and remove persistent TUNs.",
    "udp": "Join a TUN or TAP to a peer over UDP, in the clear.",
    "veth": "Make and remove veth pairs.",
    "wire": "Join two TAPs.",
}
LONGEST_LINE = 400         # characters of a sentence in the help
INTERRUPTED = 128 + 2      # as a shell shows SIGINT
UNREAD = 128 + 13          # SIGPIPE


class Commands(click.Group):
    """A group that imports a command when it is called: ``command`` of the module of its name in ``package``.

    ``texts`` are the commands with the lines of the help.
    """

    def __init__(self, *args: Any, package: str, texts: Mapping[str, str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.package, self.texts = package, texts

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return sorted(self.texts)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; None where there is none."""
        if cmd_name not in self.texts:
            return None
        command: click.Command = importlib.import_module(f"{self.package}.{cmd_name}").command
        return command

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help."""
        with formatter.section("Commands"):
            formatter.write_dl(sorted(self.texts.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; its output has reached the reader when it returns."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes once more at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(UNREAD)
        return result


class Verbs(click.Group):
    """A group of commands in one file; its help shows the first sentence of each, whole."""

    group_class = type  # so is a group within it

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands in the help."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, command.get_short_help_str(LONGEST_LINE)) for name, command in found if command]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line, ``sys.argv`` unless told, and exits."""
    try:
        status = commands.main(args, "tunnel", standalone_mode=False)
    except click.Abort:
        sys.exit(INTERRUPTED)
    except click.ClickException as error:
        _complain(_usage(error))
        sys.exit(1)
    except TunnelError as error:
        _complain(str(error))
        sys.exit(error.exit_code)
    sys.exit(status if isinstance(status, int) else 0)


def _complain(text: str) -> None:
    for line in text.splitlines():
        click.echo(f"tunnel: {line}", err=True)


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    remedy = f"; see `{context.command_path} --help`" if context else ""
    text = error.format_message().rstrip(".")
    return f"{text[:1].lower()}{text[1:]}{remedy}"


def _version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"tunnel {__version__}")
        ctx.exit()


@click.command(
    cls=Commands,
    package=__name__,
    texts=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
)
def commands() -> None:
    """A packet engine for Linux in user space: TUN, TAP, UDP and raw sockets, joined by handlers."""
