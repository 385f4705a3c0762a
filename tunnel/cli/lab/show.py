"""``tunnel lab show``: what a lab is made of, and how it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from tunnel.cli.lab.attach import described, lab_option
from tunnel.cli.table import json_option, show_json, show_table
from tunnel.errors import ConfigError
from tunnel.impairment import Impairment
from tunnel.lab.picture import svg
from tunnel.lab.picture_words import numbers
from tunnel.lab.topology import Topology
from tunnel.lab.view import state, view

Row = dict[str, Any]


@click.command()
@click.option("--svg", "picture", metavar="FILE", help="Write a picture (SVG) instead; - is stdout.")
@lab_option
@json_option
def command(picture: str | None, lab_name: str | None, as_json: bool) -> None:
    """Show a lab's nodes, links and bridges with their state; JSON also has the counters."""
    with described(lab_name) as (lab, topology):
        if picture:
            draw(topology, picture)
            return
        found = view(topology, lab.nodes, lab.processes())
    if as_json:
        show_json(found)
    else:
        show(found)


def draw(topology: Topology, file: str) -> None:
    """Writes the picture; ``ConfigError`` where that is not possible."""
    if file == "-":
        click.echo(svg(topology), nl=False)
        return
    try:
        Path(file).write_text(svg(topology), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; name a file that can be written") from error


def show(found: Row) -> None:
    """Prints the tables that are not empty."""
    tables = [
        (("node", "kind", "runs", "state", "links", "addresses"), list(map(_node, found["nodes"]))),
        (("link", "mtu", "state", "packets", "carried by", "impairment"), list(map(_link, found["links"]))),
        (("bridge", "stp", "state", "packets", "addresses", "ports"), list(map(_bridge, found["bridges"]))),
    ]
    click.echo(f"lab {found['lab']}")
    for heads, rows in tables:
        if rows:
            click.echo()
            show_table(heads, rows)


def _node(row: Row) -> list[str]:
    runs = ", ".join(f"{_program(one['command'])} ({one['state']})" for one in row["processes"])
    links = ", ".join(_far(each) for each in row["interfaces"])
    addresses = ", ".join(address for each in row["interfaces"] for address in each["addresses"])
    return [row["name"], row["kind"], runs or "-", _whole(row["interfaces"]), links or "-", addresses or "-"]


def _program(command: list[str] | str) -> str:
    words = command.split() if isinstance(command, str) else command
    return words[0].rsplit("/", 1)[-1]


def _far(row: Row) -> str:
    return f"{row['name']} -- {row['far']}" if row["far"] else row["name"]


def _whole(interfaces: list[Row]) -> str:
    """``up``, or what is not."""
    wrong = [f"{row['name']} {state(row)}" for row in interfaces if state(row) != "up"]
    return ", ".join(wrong) or ("up" if interfaces else "-")


def _link(row: Row) -> list[str]:
    states = list(dict.fromkeys(state(end) for end in row["ends"] if end))
    carrier = "engine" if row["carried"] else "kernel"
    name = " -- ".join(row["endpoints"])
    return [name, str(row["mtu"]), "/".join(states) or "-", _packets(row["ends"]), carrier, _impairment(row) or "-"]


def _packets(ends: list[Row | None]) -> str:
    """As the first end that is in a node counts them."""
    for end in ends:
        if end and end["up"] is not None:
            return f"{end['tx_packets']} out, {end['rx_packets']} in"
    return "-"


def _impairment(row: Row) -> str:
    def text(fields: Row | None) -> str:
        return numbers(Impairment(**fields)) if fields else ""

    if row["impair_back"] is None:
        return text(row["impair"])
    return "; ".join(_ways(text(row["impair"]), text(row["impair_back"])))


def _ways(there: str, back: str) -> Iterator[str]:
    yield f"-> {there or 'nothing'}"
    yield f"<- {back or 'nothing'}"


def _bridge(row: Row) -> list[str]:
    addresses, ports = ", ".join(row["addresses"]), ", ".join([*row["ports"], *row["interfaces"]])
    stp = "yes" if row["stp"] else "no"
    return [row["name"], stp, state(row), _packets([row]), addresses or "-", ports or "-"]
