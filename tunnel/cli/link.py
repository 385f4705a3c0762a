"""``tunnel link``: interfaces, and what is set of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from tunnel.cli import Verbs, link_routes
from tunnel.cli.standing import (
    cell,
    checked,
    delete_one,
    host,
    interface,
    mac,
    mtu_option,
    name_argument,
    names_argument,
    netns_option,
    place,
)
from tunnel.cli.table import json_option, show_json, show_table
from tunnel.lab import names
from tunnel.lab.namespace import Namespace
from tunnel.lab.rows import Interface


@click.group(cls=Verbs, no_args_is_help=False)
def command() -> None:
    """Look at interfaces and change them, with addresses, routes, rules and neighbours.

    `tunnel veth`, `tunnel bridge`, `tunnel tap` and `tunnel tun` make interfaces, and so does `tunnel link vxlan`.
    """


for more in (
    link_routes.address,
    link_routes.route,
    link_routes.rule,
    link_routes.neighbour,
    link_routes.masquerade,
):
    command.add_command(more)


@command.command("list")
@netns_option
@json_option
def list_all(netns: str | None, as_json: bool) -> None:
    """List the interfaces with their addresses."""
    with Namespace(netns) as here:
        every = here.interfaces()
        addresses = {one.name: here.addresses(one.name) for one in every}
    if as_json:
        show_json([_tree(one, every, addresses[one.name]) for one in every])
        return
    rows = [
        [one.name, _kind(one), _state(one), str(one.mtu), cell(one.mac), cell(_master(one, every)),
         " ".join(addresses[one.name])]
        for one in every
    ]  # fmt: skip
    show_table(["name", "kind", "state", "mtu", "mac", "bridge", "addresses"], rows)


def _master(one: Interface, every: list[Interface]) -> str | None:
    return next((other.name for other in every if one.master and other.index == one.master), None)


def _kind(one: Interface) -> str:
    """To the kernel a TAP is a ``tun`` with an Ethernet address."""
    return "tap" if one.kind == "tun" and one.mac else cell(one.kind)


def _state(one: Interface) -> str:
    """``no carrier``: it is up, and the other end is not."""
    return "down" if not one.up else "up" if one.carrier else "no carrier"


def _tree(one: Interface, every: list[Interface], addresses: list[str]) -> dict[str, Any]:
    return {**asdict(one), "master": _master(one, every), "addresses": addresses}


@command.command()
@name_argument
@netns_option
@json_option
def show(name: str, netns: str | None, as_json: bool) -> None:
    """Show everything about the interface NAME, its counters too."""
    with Namespace(netns) as here:
        tree = _tree(here.interface(name), here.interfaces(), here.addresses(name))
        tree |= {"details": here.details(name), "statistics": here.statistics(name)}
    if as_json:
        show_json(tree)
        return
    details, counters, addresses = (tree.pop(key) for key in ("details", "statistics", "addresses"))
    for key, value in {**tree, **details}.items():
        click.echo(f"{key.replace('_', ' ')} {str(value).lower() if isinstance(value, bool) else cell(value)}")
    for address in addresses:
        click.echo(f"address {address}")
    for key, count in counters.items():
        if count:
            click.echo(f"{key} {count}")


@command.command()
@names_argument
@netns_option
def up(names: tuple[str, ...], netns: str | None) -> None:
    """Set interfaces up; a link of which both ends are up is usable from then on."""
    with Namespace(netns) as here:
        here.up(*names)


@command.command()
@names_argument
@netns_option
def down(names: tuple[str, ...], netns: str | None) -> None:
    """Set interfaces down."""
    with Namespace(netns) as here:
        here.down(*names)


@command.command("set")
@name_argument
@mtu_option
@click.option("--mac", metavar="MAC", callback=mac, help="Its Ethernet address.")
@click.option("--txqueuelen", type=click.IntRange(0, 2**32 - 1), metavar="PACKETS", help="Of its queue.")
@click.option("--name", "new", metavar="NAME", callback=interface, help="Another name.")
@click.option("--bridge", metavar="BRIDGE", callback=interface, help="Make it a port of this bridge.")
@click.option("--no-bridge", is_flag=True, help="Take it off its bridge.")
@netns_option
def change(
    name: str, mtu: int | None, mac: str | None, txqueuelen: int | None, new: str | None, bridge: str | None,
    no_bridge: bool, netns: str | None,
) -> None:  # fmt: skip
    """Change the interface NAME."""
    given = {"mtu": mtu, "mac": mac, "txqueuelen": txqueuelen, "name": new}
    settings: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    if bridge is not None and no_bridge:
        raise click.UsageError("Expected either --bridge or --no-bridge")
    if not (settings or bridge or no_bridge):
        raise click.UsageError("Nothing to set")
    with Namespace(netns) as here:
        if bridge or no_bridge:
            here.enslave(bridge, name)
        if settings:
            here.set(name, **settings)


@command.command()
@name_argument
@click.argument("target", metavar="NETNS", callback=checked(place))
@netns_option
def move(name: str, target: str, netns: str | None) -> None:
    """Move the interface NAME to the namespace NETNS, a name or a path like /proc/PID/ns/net.

    It arrives down and without addresses; a card of the machine comes back when the namespace ends.
    """
    with Namespace(netns) as here, Namespace(target) as there:
        here.move(name, there)


@command.command()
@names_argument
@netns_option
def delete(names: tuple[str, ...], netns: str | None) -> None:
    """Delete interfaces; a veth takes its far end along."""
    with Namespace(netns) as here:
        for name in names:
            here.delete(name)


@command.command()
@click.argument("name", callback=checked(names.sysctl))
@click.argument("value", required=False)
@netns_option
def sysctl(name: str, value: str | None, netns: str | None) -> None:
    """Show the sysctl NAME, or set it to VALUE: net.* only, like net.ipv4.ip_forward."""
    with Namespace(netns) as here:
        click.echo(here.sysctl(name, value))


@command.group(no_args_is_help=False)
def vxlan() -> None:
    """Make VXLANs, which carry Ethernet over UDP to other machines (RFC 7348)."""


@vxlan.command("add")
@name_argument
@click.option("--vni", type=click.IntRange(0, 2**24 - 1), required=True, help="The number of the virtual network.")
@click.option("--remote", metavar="ADDRESS", callback=host, help="The other end, or a multicast group.")
@click.option("--local", metavar="ADDRESS", callback=host, help="Our address for it.")
@click.option("--parent", metavar="NAME", callback=interface, help="The interface it goes out by; a group needs it.")
@click.option("--port", type=click.IntRange(1, 65535), default=4789, show_default=True, help="Of UDP.")
@mtu_option
@netns_option
def add_vxlan(name: str, netns: str | None, **options: Any) -> None:
    """Make the VXLAN NAME, down."""
    with Namespace(netns) as here:
        here.vxlan(name, **options)


@vxlan.command("delete")
@name_argument
@netns_option
def remove_vxlan(name: str, netns: str | None) -> None:
    """Remove the VXLAN NAME."""
    delete_one(netns, name, "VXLAN", lambda namespace: namespace.interface(name).kind == "vxlan")

