"""The groups of ``tunnel link`` about addresses, routes, rules, neighbours and masquerading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

import click

from tunnel.cli import Verbs
from tunnel.cli.standing import (
    cell,
    cidr,
    destination,
    host,
    interface,
    mac,
    name_argument,
    netns_option,
    network,
)
from tunnel.cli.table import json_option, show_json, show_table
from tunnel.lab.namespace import Namespace

Function = TypeVar("Function", bound=Callable[..., Any])
NUMBER = click.IntRange(0, 2**32 - 1)
addresses = click.argument("addresses", nargs=-1, required=True, metavar="CIDR...", callback=cidr)


def _show(rows: Sequence[Any], heads: Sequence[str], as_json: bool) -> None:
    """Dataclasses as a table of all their fields, or as JSON."""
    if as_json:
        show_json([asdict(row) for row in rows])
    elif rows:
        show_table(heads, [[cell(value) for value in asdict(row).values()] for row in rows])


@click.group(cls=Verbs, no_args_is_help=False)
def address() -> None:
    """Show, add and remove addresses."""


@address.command("list")
@name_argument
@netns_option
@json_option
def list_addresses(name: str, netns: str | None, as_json: bool) -> None:
    """Show the addresses of the interface NAME, a line each."""
    with Namespace(netns) as here:
        found = here.addresses(name)
    if as_json:
        show_json(found)
    else:
        click.echo("".join(f"{one}\n" for one in found), nl=False)


@address.command("add")
@name_argument
@addresses
@netns_option
def add_address(name: str, addresses: tuple[str, ...], netns: str | None) -> None:
    """Add addresses like 10.0.0.1/24 or fd00::1/64 to the interface NAME, usable at once."""
    with Namespace(netns) as here:
        here.address(name, *addresses)


@address.command("delete")
@name_argument
@addresses
@netns_option
def remove_address(name: str, addresses: tuple[str, ...], netns: str | None) -> None:
    """Take addresses off the interface NAME, written as they were added."""
    with Namespace(netns) as here:
        here.remove_address(name, *addresses)


def _route_options(function: Function) -> Function:
    for add in (
        netns_option,
        click.option("--table", type=NUMBER, help="Of another table than the main one, 254."),
        click.option("--metric", type=NUMBER, help="The lowest wins."),
        click.option("--interface", metavar="NAME", callback=interface, help="By this interface."),
        click.option("--via", metavar="ADDRESS", callback=host, help="By this gateway."),
        click.argument("to", metavar="DEST", callback=destination),
    ):
        function = add(function)
    return function


@click.group(cls=Verbs, no_args_is_help=False)
def route() -> None:
    """Show, add and remove routes. DEST is a network like 10.1.0.0/16 or fd01::/64, or `default`.

    `default` is of the family of --via; without a gateway write 0.0.0.0/0 or ::/0.
    """


@route.command("add")
@_route_options
def add_route(to: str, netns: str | None, **options: Any) -> None:
    """Add a route to DEST by a gateway, an interface, or both."""
    if not (options["via"] or options["interface"]):
        raise click.UsageError("Expected --via, --interface or both")
    with Namespace(netns) as here:
        here.route(to, **options)


@route.command("delete")
@_route_options
def remove_route(to: str, netns: str | None, **options: Any) -> None:
    """Remove the first route to DEST that agrees with what is told."""
    with Namespace(netns) as here:
        here.remove_route(to, **options)


@route.command("list")
@click.option("--table", type=NUMBER, default=254, help="Of another table than the main one, 254.")
@click.option("--all", "every", is_flag=True, help="Of all tables.")
@netns_option
@json_option
def list_routes(table: int, every: bool, netns: str | None, as_json: bool) -> None:
    """Show the unicast routes of a table."""
    with Namespace(netns) as here:
        rows = here.routes(None if every else table)
    _show(rows, ["to", "via", "interface", "metric", "table", "source"], as_json)


def _rule_options(function: Function) -> Function:
    for add in (
        netns_option,
        click.option("--priority", type=NUMBER, help="The lowest comes first."),
        click.option("--fwmark", type=NUMBER, help="Packets with this mark."),
        click.option("--oif", metavar="NAME", callback=interface, help="From sockets that are bound to it."),
        click.option("--iif", metavar="NAME", callback=interface, help="Packets that came in by this interface."),
        click.option("--to", metavar="CIDR", callback=network, help="To this network."),
        click.option("--from", "source", metavar="CIDR", callback=network, help="From this network."),
        click.option("--table", type=NUMBER, required=True, help="To look into."),
    ):
        function = add(function)
    return function


@click.group(cls=Verbs, no_args_is_help=False)
def rule() -> None:
    """Show, add and remove policy routing rules, which say by which table a packet is routed."""


@rule.command("add")
@_rule_options
def add_rule(table: int, netns: str | None, **options: Any) -> None:
    """Add a rule; without a network it is for both families."""
    with Namespace(netns) as here:
        here.rule(table, **options)


@rule.command("delete")
@_rule_options
def remove_rule(table: int, netns: str | None, **options: Any) -> None:
    """Remove a rule, told as it was added."""
    with Namespace(netns) as here:
        here.remove_rule(table, **options)


@rule.command("list")
@netns_option
@json_option
def list_rules(netns: str | None, as_json: bool) -> None:
    """Show all rules."""
    with Namespace(netns) as here:
        rows = here.rules()
    _show(rows, ["priority", "family", "from", "to", "iif", "oif", "fwmark", "table"], as_json)


@click.group(cls=Verbs, no_args_is_help=False)
def neighbour() -> None:
    """Show, add and remove neighbours: who has which Ethernet address."""


@neighbour.command("add")
@name_argument
@click.argument("address", callback=host)
@click.argument("mac", callback=mac)
@netns_option
def add_neighbour(name: str, address: str, mac: str, netns: str | None) -> None:
    """Tell the interface NAME, for good, that ADDRESS has the Ethernet address MAC."""
    with Namespace(netns) as here:
        here.neighbour(name, address, mac)


@neighbour.command("delete")
@name_argument
@click.argument("address", callback=host)
@netns_option
def remove_neighbour(name: str, address: str, netns: str | None) -> None:
    """Forget what the interface NAME knows of ADDRESS."""
    with Namespace(netns) as here:
        here.remove_neighbour(name, address)


@neighbour.command("list")
@netns_option
@json_option
def list_neighbours(netns: str | None, as_json: bool) -> None:
    """Show all neighbours."""
    with Namespace(netns) as here:
        rows = here.neighbours()
    _show(rows, ["address", "interface", "mac", "state"], as_json)


@click.group(cls=Verbs, no_args_is_help=False)
def masquerade() -> None:
    """Have a router give what leaves it by an interface that interface's address (nftables, both families)."""


@masquerade.command("add")
@name_argument
@netns_option
def add_masquerade(name: str, netns: str | None) -> None:
    """Masquerade what leaves by the interface NAME. It lasts as long as the namespace."""
    with Namespace(netns) as here:
        here.masquerade(name)


@masquerade.command("delete")
@name_argument
@netns_option
def remove_masquerade(name: str, netns: str | None) -> None:
    """Masquerade what leaves by the interface NAME no longer."""
    with Namespace(netns) as here:
        here.remove_masquerade(name)
