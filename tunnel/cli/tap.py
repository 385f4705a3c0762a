"""``tunnel tap``: persistent TAPs."""

from __future__ import annotations

import click

from tunnel.cli import Verbs
from tunnel.cli.standing import delete_one, interface, is_tun, mac, made, name_argument, netns_option, tun_options
from tunnel.lab.namespace import Namespace


@click.group(cls=Verbs, no_args_is_help=False)
def command() -> None:
    """Make and remove TAPs: interfaces whose Ethernet frames a program reads and writes."""


@command.command()
@tun_options
@click.option("--mac", metavar="MAC", callback=mac, help="Its Ethernet address.")
@click.option("--bridge", metavar="BRIDGE", callback=interface, help="Make it a port of this bridge.")
def add(
    name: str, owner: str | None, group: str | None, multi_queue: bool, mtu: int | None, netns: str | None,
    mac: str | None, bridge: str | None,
) -> None:  # fmt: skip
    """Make the TAP NAME, down, which stays until it is deleted, whether or not a program is attached."""
    with Namespace(netns) as here:
        here.persistent_tun(name, tap=True, multi_queue=multi_queue, owner=owner, group=group)
        with made(here, name):
            if mtu is not None or mac is not None:
                here.set(name, mtu=mtu, mac=mac)
            if bridge is not None:
                here.enslave(bridge, name)


@command.command("delete")
@name_argument
@netns_option
def remove(name: str, netns: str | None) -> None:
    """Remove the TAP NAME; a program that is attached sees its end."""
    delete_one(netns, name, "TAP", lambda namespace: is_tun(namespace, name, "tap"))
