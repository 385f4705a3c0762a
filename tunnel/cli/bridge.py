"""``tunnel bridge``: bridges, their ports, what they have learnt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import click

from tunnel.cli import Verbs
from tunnel.cli.standing import (
    cidr,
    delete_one,
    interface,
    mac,
    made,
    name_argument,
    names_argument,
    netns_option,
    yes_no,
)
from tunnel.cli.table import json_option, show_json, show_table
from tunnel.lab.namespace import Namespace

Function = TypeVar("Function", bound=Callable[..., Any])
SECONDS = click.FloatRange(0, 1_000_000)


def _settings(function: Function) -> Function:
    """Adds what can be set of a bridge, None where nothing is told."""
    for add in (
        click.option("--vlan-filtering/--no-vlan-filtering", default=None, help="Look at VLAN tags."),
        click.option("--snooping/--no-snooping", default=None, help="Multicast only to ports that asked for it."),
        click.option("--ageing", "ageing_s", type=SECONDS, metavar="SECONDS", help="Until an address is forgotten."),
        click.option(
            "--forward-delay", "forward_delay_s", type=SECONDS, metavar="SECONDS",
            help="That a port listens, and learns, before it forwards (--stp).",
        ),
        click.option("--priority", type=click.IntRange(0, 65535), help="In the spanning tree; the lowest is its root."),
        click.option("--stp/--no-stp", default=None, help="Keep loops from forming: IEEE 802.1D's spanning tree."),
    ):  # fmt: skip
        function = add(function)
    return function


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


@click.group(cls=Verbs, no_args_is_help=False)
def command() -> None:
    """Make, look at, change and remove bridges, which join Ethernet segments as a switch does."""


@command.command()
@name_argument
@_settings
@click.option("--address", "addresses", multiple=True, metavar="CIDR", callback=cidr, help="Its own; may be repeated.")
@click.option("--port", "ports", multiple=True, metavar="NAME", callback=interface, help="A port; may be repeated.")
@netns_option
def add(name: str, addresses: tuple[str, ...], ports: tuple[str, ...], netns: str | None, **settings: Any) -> None:
    """Make the bridge NAME, down."""
    with Namespace(netns) as here:
        here.bridge(name, ports, **_given(settings))
        with made(here, name):
            here.address(name, *addresses)


@command.command("delete")
@name_argument
@netns_option
def remove(name: str, netns: str | None) -> None:
    """Remove the bridge NAME; its ports stay."""
    delete_one(netns, name, "bridge", lambda namespace: namespace.interface(name).kind == "bridge")


@command.command("set")
@name_argument
@_settings
@netns_option
def change(name: str, netns: str | None, **settings: Any) -> None:
    """Change settings of the bridge NAME."""
    wanted = _given(settings)
    if not wanted:
        raise click.UsageError("Nothing to set")
    with Namespace(netns) as here:
        here.set_bridge(name, **wanted)


@command.command("list")
@netns_option
@json_option
def list_all(netns: str | None, as_json: bool) -> None:
    """List the bridges and their ports."""
    with Namespace(netns) as here:
        every = here.interfaces()
    bridges = [one for one in every if one.kind == "bridge"]
    ports = {one.name: [port.name for port in every if port.master == one.index] for one in bridges}
    if as_json:
        show_json([{"name": one.name, "up": one.up, "ports": ports[one.name]} for one in bridges])
    elif bridges:
        rows = [[one.name, "up" if one.up else "down", " ".join(ports[one.name])] for one in bridges]
        show_table(["name", "state", "ports"], rows)


@command.command()
@name_argument
@netns_option
@json_option
def show(name: str, netns: str | None, as_json: bool) -> None:
    """Show the bridge NAME: its settings, addresses and ports with what they do."""
    with Namespace(netns) as here:
        settings, ports = asdict(here.bridge_settings(name)), [asdict(port) for port in here.ports(name)]
        found, addresses = here.interface(name), here.addresses(name)
    if as_json:
        show_json({**asdict(found), "addresses": addresses, "settings": settings, "ports": ports})
        return
    click.echo(f"{name}: {'up' if found.up else 'down'}, {found.mac}, mtu {found.mtu}")
    for address in addresses:
        click.echo(f"  address {address}")
    for key, value in settings.items():
        click.echo(f"  {key} {yes_no(value) if isinstance(value, bool) else value}")
    if ports:
        rows = [[str(value) for value in port.values()] for port in ports]
        show_table(["port", "state", "cost", "priority"], rows)


@command.group(no_args_is_help=False)
def port() -> None:
    """Make interfaces ports of a bridge, or no longer."""


@port.command("add")
@click.argument("bridge", callback=interface)
@names_argument
@netns_option
def add_port(bridge: str, names: tuple[str, ...], netns: str | None) -> None:
    """Make interfaces ports of BRIDGE."""
    with Namespace(netns) as here:
        here.enslave(bridge, *names)


@port.command("delete")
@click.argument("bridge", callback=interface)
@names_argument
@netns_option
def remove_port(bridge: str, names: tuple[str, ...], netns: str | None) -> None:
    """Take interfaces off BRIDGE."""
    with Namespace(netns) as here:
        here.release(bridge, *names)


@command.group(no_args_is_help=False)
def fdb() -> None:
    """Show and change the forwarding database: which Ethernet address is behind which port."""


@fdb.command("list")
@click.argument("bridge", callback=interface)
@netns_option
@json_option
def list_fdb(bridge: str, netns: str | None, as_json: bool) -> None:
    """Show what BRIDGE has learnt, was told (static), and has itself (local)."""
    with Namespace(netns) as here:
        rows = [asdict(entry) for entry in here.fdb(bridge)]
    if as_json:
        show_json(rows)
    else:
        show_table(["mac", "interface", "state"], [[*row.values()] for row in rows])


@fdb.command("add")
@click.argument("port", callback=interface)
@click.argument("mac", callback=mac)
@netns_option
def add_fdb(port: str, mac: str, netns: str | None) -> None:
    """Tell the bridge that the Ethernet address MAC is behind its PORT, for good."""
    with Namespace(netns) as here:
        here.add_fdb(port, mac)


@fdb.command("delete")
@click.argument("port", callback=interface)
@click.argument("mac", callback=mac)
@netns_option
def remove_fdb(port: str, mac: str, netns: str | None) -> None:
    """Have the bridge forget that the Ethernet address MAC is behind its PORT."""
    with Namespace(netns) as here:
        here.remove_fdb(port, mac)
