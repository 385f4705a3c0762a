"""``tunnel lab capture``: what passes a link, for a file or another program."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO

import click

from tunnel.cli.lab.attach import described, lab_option
from tunnel.errors import ConfigError
from tunnel.lab.capture import Capture, find_end


@click.command()
@click.argument("link")
@click.option("-w", "file", metavar="FILE", default="-", help="The file; - is stdout, the default.")
@click.option("--for", "seconds", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="End after so long.")
@click.option("--count", type=click.IntRange(1), help="End after so many packets.")
@lab_option
def command(link: str, file: str, seconds: float | None, count: int | None, lab_name: str | None) -> None:
    """Capture what passes LINK, an end like NODE:INTERFACE or a bridge, both ways, as pcapng.

    Until SIGINT or SIGTERM, unless told. To look at once: tunnel lab capture a:eth0 | tshark -i -
    """
    if file == "-" and sys.stdout.isatty():
        raise ConfigError("a capture is not for a terminal; give it a file (-w FILE) or a program (| tshark -i -)")
    with described(lab_name) as (lab, topology):
        node, interface = find_end(topology, lab.nodes, link)
        with closing(Capture(node, interface)) as capture, _opened(file) as out:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: capture.stop())

            def write(blocks: bytes) -> None:
                out.write(blocks)
                out.flush()

            found = capture.run(write, count=count, seconds=seconds)
    click.echo(f"{found.packets} packets captured, {found.lost} lost for want of room", err=True)


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """The file, emptied, readable by its owner only; or stdout."""
    if file == "-":
        yield sys.stdout.buffer
        return
    try:
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; name a file that can be written") from error
    with open(fd, "wb") as out:
        yield out
