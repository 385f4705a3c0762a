"""``tunnel tun``: persistent TUNs."""

from __future__ import annotations

import click

from tunnel.cli import Verbs
from tunnel.cli.standing import delete_one, is_tun, made, name_argument, netns_option, tun_options
from tunnel.errors import ConfigError
from tunnel.lab.namespace import Namespace


@click.group(cls=Verbs, no_args_is_help=False)
def command() -> None:
    """Make and remove TUNs: interfaces whose IP packets a program reads and writes."""


def _refuse(_context: click.Context, parameter: click.Parameter, given: str | None) -> None:
    if given is not None:
        raise ConfigError(
            f"--{parameter.name}: a TUN carries IP packets without an Ethernet header, so it has no Ethernet address"
            " and is routed, never bridged; make a TAP: `tunnel tap add`"
        )


@command.command()
@tun_options
@click.option("--mac", hidden=True, expose_value=False, callback=_refuse)
@click.option("--bridge", hidden=True, expose_value=False, callback=_refuse)
def add(
    name: str, owner: str | None, group: str | None, multi_queue: bool, mtu: int | None, netns: str | None
) -> None:
    """Make the TUN NAME, down, which stays until it is deleted, whether or not a program is attached.

    It is given addresses and routes; it cannot be a port of a bridge, which joins Ethernet segments.
    """
    with Namespace(netns) as here:
        here.persistent_tun(name, multi_queue=multi_queue, owner=owner, group=group)
        with made(here, name):
            if mtu is not None:
                here.set(name, mtu=mtu)


@command.command("delete")
@name_argument
@netns_option
def remove(name: str, netns: str | None) -> None:
    """Remove the TUN NAME; a program that is attached sees its end."""
    delete_one(netns, name, "TUN", lambda namespace: is_tun(namespace, name, "tun"))
