"""What the commands that stand in one namespace have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import click

from tunnel.errors import ConfigError, LabError
from tunnel.lab import names, owners
from tunnel.lab.namespace import Namespace

Function = TypeVar("Function", bound=Callable[..., Any])
Callback = Callable[[click.Context, click.Parameter, Any], Any]


def checked(check: Callable[[str], object]) -> Callback:
    """A callback for the words of a parameter: every one that ``check`` refuses is told, and nothing is done."""

    def callback(_context: click.Context, _parameter: click.Parameter, given: Any) -> Any:
        wrong = []
        for text in given if isinstance(given, tuple) else (given,):
            try:
                if text is not None:
                    check(text)
            except LabError as error:
                wrong.append(str(error))
        if wrong:
            raise ConfigError(wrong)
        return given

    return callback


def place(text: str) -> str:
    """A namespace's name or path."""
    return text if "/" in text else names.namespace_file(text)


interface = checked(names.interface_name)
cidr = checked(names.address)
host = checked(names.host)
mac = checked(names.mac)
network = checked(names.network)
destination = checked(lambda text: names.destination(text, 4))

COUNT = click.IntRange(0, 2**32 - 1)
NETNS = "by its name (`tunnel netns list`) or path"


def netns_option(function: Function) -> Function:
    """Adds ``-n``."""
    return click.option(
        "-n", "--netns", metavar="NETNS", callback=checked(place), help=f"In this namespace, {NETNS}; else here."
    )(function)  # fmt: skip


def name_argument(function: Function) -> Function:
    """Adds NAME, of an interface."""
    return click.argument("name", callback=interface)(function)


def names_argument(function: Function) -> Function:
    """Adds NAME..., of interfaces."""
    return click.argument("names", nargs=-1, required=True, metavar="NAME...", callback=interface)(function)


def mtu_option(function: Function) -> Function:
    """Adds ``--mtu``."""
    return click.option("--mtu", type=COUNT, metavar="BYTES", help="The largest packet.")(function)


@contextmanager
def made(namespace: Namespace, name: str) -> Iterator[None]:
    """What follows belongs to the making of an interface: where it fails, there is none."""
    try:
        yield
    except BaseException:
        with suppress(LabError):
            namespace.delete(name)
        raise


def delete_one(netns: str | None, name: str, kind: str, is_it: Callable[[Namespace], bool]) -> None:
    """Deletes an interface of a kind, and no other."""
    with Namespace(netns) as namespace:
        if not is_it(namespace):
            found = namespace.interface(name).kind or "card"
            raise LabError(f"{namespace.where}, {name}: it is a {found}, no {kind}; see `tunnel link delete`")
        namespace.delete(name)


def tun_options(function: Function) -> Function:
    """Adds NAME and the options of a persistent TUN or TAP."""
    for add in (
        netns_option,
        mtu_option,
        click.option("--multi-queue", is_flag=True, help="Several programs may attach, a queue each."),
        click.option(
            "--group", metavar="GROUP", callback=checked(owners.group), help="A group that may attach, name or number."
        ),
        click.option(
            "--owner", metavar="USER", callback=checked(owners.user), help="A user that may attach, name or number."
        ),
        name_argument,
    ):  # fmt: skip
        function = add(function)
    return function


def is_tun(namespace: Namespace, name: str, kind: str) -> bool:
    """Whether an interface is a TUN, or a TAP."""
    return namespace.details(name).get("type") == kind


def yes_no(value: bool) -> str:
    """For a cell."""
    return "yes" if value else "no"


def cell(value: object) -> str:
    """For what may be missing."""
    return "-" if value is None else str(value)
