"""``tunnel veth``: pairs of interfaces."""

from __future__ import annotations

import click

from tunnel.cli import Verbs
from tunnel.cli.standing import NETNS, checked, delete_one, interface, mtu_option, name_argument, netns_option, place
from tunnel.cli.table import json_option, show_json
from tunnel.lab.namespace import Namespace


@click.group(cls=Verbs, no_args_is_help=False)
def command() -> None:
    """Make and remove veth pairs: what goes into one end comes out of the other."""


@command.command()
@click.argument("name", required=False, callback=interface)
@click.argument("peer", required=False, callback=interface)
@netns_option
@click.option("--peer-netns", metavar="NETNS", callback=checked(place), help=f"The far end in this one, {NETNS}.")
@mtu_option
@json_option
def add(
    name: str | None, peer: str | None, netns: str | None, peer_netns: str | None, mtu: int | None, as_json: bool
) -> None:
    """Make a pair, both ends down, and print the names of NAME and PEER.

    Without names the kernel gives the next free: veth0, veth1 ... Both ends are in one namespace unless
    --peer-netns is told; the far end is then made there.
    """
    with Namespace(netns) as here, Namespace(netns if peer_netns is None else peer_netns) as there:
        near, far = here.veth(name, None if peer_netns is None else there, peer, mtu=1500 if mtu is None else mtu)
    if as_json:
        show_json({"name": near, "peer": far})
    else:
        click.echo(f"{near} {far}")


@command.command("delete")
@name_argument
@netns_option
def remove(name: str, netns: str | None) -> None:
    """Remove a pair by one of its ends."""
    delete_one(netns, name, "veth", lambda namespace: namespace.interface(name).kind == "veth")
