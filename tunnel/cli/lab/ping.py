"""``tunnel lab ping``: who reaches whom, as a matrix."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import click

from tunnel.cli.lab.attach import described, lab_option
from tunnel.cli.progress import Steps
from tunnel.cli.table import json_option, show_json, show_table, terminal_columns
from tunnel.lab.reach import Reach
from tunnel.lab.waves import Matrix, measure

FEW = 4  # names in a line
SECONDS = click.FloatRange(0.001, 600)


@click.command()
@click.option("--count", type=click.IntRange(1, 1000), default=3, show_default=True, help="Requests a pair.")
@click.option("--interval", type=SECONDS, default=0.05, show_default=True, help="Seconds between them.")
@click.option("--timeout", type=SECONDS, default=1.0, show_default=True, help="Seconds to wait for the last answers.")
@lab_option
@json_option
@click.pass_context
def command(
    context: click.Context, count: int, interval: float, timeout: float, lab_name: str | None, as_json: bool
) -> None:
    """Ping between the nodes of a lab, by IPv4 and IPv6: round-trip times and loss.

    Every pair of up to 50 nodes; above that each node and its neighbours (those that share a link with it,
    and the next 16 on a bridge), and 500 random pairs. A node is asked by the first global address of each
    family. The exit code is 1 where a pair gets no answer.
    """
    with described(lab_name) as (lab, topology), Steps(quiet=as_json or not sys.stderr.isatty()) as steps:
        matrix = steps.run("pings", lambda progress: measure(
            topology, lab.nodes, count=count, interval_s=interval, timeout_s=timeout, progress=progress
        ))  # fmt: skip
    if as_json:
        pairs = [one.as_json() for one in matrix.reaches]
        show_json({"heading": matrix.heading, "without_address": matrix.without, "pairs": pairs})
    else:
        show(matrix, terminal_columns())
    context.exit(1 if matrix.failed else 0)


def show(matrix: Matrix, columns: int | None) -> None:
    """A matrix for each family; a line for each node where that is wider than the terminal."""
    click.echo(matrix.heading)
    for version in (4, 6):
        some = [one for one in matrix.reaches if one.version == version]
        if some:
            rows = list(grid(some))
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            fits = columns is None or sum(widths) + 2 * len(widths) - 2 <= columns
            _show_grid(version, rows, widths) if fits else _show_list(version, some)
    click.echo()
    for name in matrix.without:
        click.echo(f"{name} has no global address and was not asked")
    answered = len(matrix.reaches) - len(matrix.failed)
    click.echo(f"{answered} of {len(matrix.reaches)} pairs answer")


def grid(reaches: Sequence[Reach]) -> Iterator[list[str]]:
    """The rows of a matrix, the first with its heads."""
    sources = list(dict.fromkeys(one.source for one in reaches))
    targets = list(dict.fromkeys(one.target for one in sorted(reaches, key=lambda one: _place(sources, one.target))))
    found = {(one.source, one.target): cell(one) for one in reaches}
    yield ["", *targets]
    for source in sources:
        yield [source, *("-" if source == target else found.get((source, target), "") for target in targets)]


def _place(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def cell(one: Reach) -> str:
    """``0.042``, ``40.1 33%`` or ``lost``."""
    if one.median_s is None:
        return "lost"
    return f"{ms(one.median_s)} {one.loss_pct:.0f}%" if one.loss_pct else ms(one.median_s)


def ms(seconds: float) -> str:
    """Milliseconds, to the microsecond where they are few."""
    return f"{1000 * seconds:.3f}" if seconds < 0.01 else f"{1000 * seconds:.1f}"


def _show_grid(version: int, rows: list[list[str]], widths: list[int]) -> None:
    click.echo(f"\nIPv{version}: median round-trip time in ms (and loss), from the row's node to the column's")
    for row in rows:
        cells = [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        click.echo("  ".join([row[0].ljust(widths[0]), *cells]))


def _show_list(version: int, reaches: Sequence[Reach]) -> None:
    click.echo(f"\nIPv{version}: round-trip times in ms")
    by_source: dict[str, list[Reach]] = {}
    for one in reaches:
        by_source.setdefault(one.source, []).append(one)
    heads = ("from", "answer", "min", "median", "max", "loss", "lost")
    show_table(heads, [_line(source, some) for source, some in by_source.items()])


def _line(source: str, reaches: Sequence[Reach]) -> list[str]:
    """Of all answers to a node: how many pairs answer, times, loss, and who does not."""
    rtts = sorted(rtt for one in reaches for rtt in one.rtts_s)
    times = [ms(rtt) for rtt in (rtts[0], rtts[len(rtts) // 2], rtts[-1])] if rtts else ["-"] * 3
    lost = [one.target for one in reaches if not one.received]
    sent = sum(one.sent for one in reaches)
    loss = f"{100 * (1 - len(rtts) / sent):.3g}%"
    names = ", ".join(lost[:FEW]) + (f" and {len(lost) - FEW} more" if len(lost) > FEW else "")
    return [source, f"{len(reaches) - len(lost)} of {len(reaches)}", *times, loss, names or "-"]
