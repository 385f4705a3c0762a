"""What every command that runs an engine has in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec

from tunnel import offloads
from tunnel.cli.table import json_option, show_json
from tunnel.device import Device
from tunnel.graph import Graph

Function = TypeVar("Function", bound=Callable[..., Any])


def interface_name(_context: click.Context, _parameter: click.Parameter, name: str) -> str:
    """A name as the kernel takes it; ``ConfigError`` otherwise."""
    from tunnel.devices.tun_ioctl import check_name

    check_name(name)
    return name


def interface_options(function: Function) -> Function:
    """Adds NAME and the options that ``interface`` takes."""
    for add in (
        click.option("--address", multiple=True, metavar="CIDR", help="Our address on it; may be repeated."),
        click.option("--mtu", type=click.IntRange(68, 65535), help="MTU, bytes."),
        click.option("--attach", is_flag=True, help="Use the interface NAME that is there (`tunnel tap add`)."),
        click.option("--tap", is_flag=True, help="A TAP (Ethernet) instead of a TUN (IP)."),
        click.argument("name", callback=interface_name),
    ):
        function = add(function)
    return function


def interface(options: dict[str, Any], *, offload: bool = True) -> Device:
    """The Tun or Tap that a command's options describe; they are taken out of ``options``."""
    from tunnel.devices.tuntap import Tap, Tun

    kind = Tap if options.pop("tap") else Tun
    given = {"mtu": options.pop("mtu"), "address": list(options.pop("address")), "attach": options.pop("attach")}
    device: Device = kind(options.pop("name"), offload=offload, **given)
    return device


def switch_off(_context: click.Context, _parameter: click.Parameter, names: tuple[str, ...]) -> None:
    """These offloads, and those that the environment names; ``ConfigError`` where it names none."""
    offloads.switch_off(names)


def engine_options(function: Function) -> Function:
    """Adds the options that ``serve`` takes."""
    for add in (
        json_option,
        click.option(
            "--for", "duration_s", type=click.FloatRange(min=0, min_open=True), metavar="SECONDS",
            help="End after this time; else at SIGINT or SIGTERM.",
        ),
        click.option(
            "--no-offload", type=click.Choice([*offloads.NAMES, "all"]), multiple=True, callback=switch_off,
            expose_value=False,
            help="Do without: vnet (virtio headers: all of the next two too), tso, uso (TCP, UDP super-packets), "
            "gso, gro (runs of datagrams as one send, one receive), mmsg (many datagrams a call), or all. "
            "May be repeated; adds to TUNNEL_NO_OFFLOAD=NAME,...",
        ),
        click.option("--strict", is_flag=True, help="End at the first exception of a handler."),
        click.option(
            "--workers", type=click.IntRange(1, 256), metavar="N",
            help="Processes that share the traffic, flow by flow.",
        ),
        click.option("--loop", type=click.Choice(["uvloop", "asyncio"]), help="The event loop."),
    ):
        function = add(function)
    return function


def serve(
    graph: Graph, *, loop: str | None, workers: int | None, strict: bool, duration_s: float | None, as_json: bool
) -> None:
    """Runs the graph until it ends; then, if asked, prints the counters as JSON.

    ``loop``, ``workers`` and ``strict`` win over what the graph's file says.
    """
    from tunnel import service

    given = {"loop": loop, "workers": workers, "strict": strict or None}
    chosen = {key: value for key, value in given.items() if value is not None}
    graph.engine = msgspec.structs.replace(graph.engine, **chosen)
    ledger = service.run(graph, duration_s=duration_s, started=lambda: _say_running(graph))
    if as_json:
        show_json(ledger)


def _say_running(graph: Graph) -> None:
    """On stderr, so that whoever started the command knows that packets flow."""
    click.echo(f"running: {', '.join(map(graph.link_text, graph.links))}", err=True)
