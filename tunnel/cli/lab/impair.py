"""``tunnel lab impair``: what happens on a link, looked at and changed."""

from __future__ import annotations

from typing import Any

import click

from tunnel.cli.lab.attach import lab_option
from tunnel.cli.table import json_option, show_json, show_table
from tunnel.errors import ConfigError
from tunnel.lab import attached


@click.command()
@lab_option
@json_option
@click.argument("link", metavar="LINK")
@click.argument("settings", nargs=-1, metavar="[KEY=VALUE]...")
def command(lab_name: str | None, as_json: bool, link: str, settings: tuple[str, ...]) -> None:
    """Show what happens on LINK (one of its ends, NODE:INTERFACE), or change it while traffic flows.

    The keys are those of the file's `impair` table: delay_ms, jitter_ms, loss_pct, burst_pct, duplicate_pct,
    corrupt_pct, reorder_pct, rate_mbit, queue_kib, seed; `back.KEY` is for the way from the second end to the
    first alone. What is not named stays as it is. Example: tunnel lab impair b:eth0 delay_ms=30 loss_pct=0.5
    """
    with attached(lab_name) as found:
        options = found.impair(link, **_options(settings))
    if as_json:
        show_json(options)
    else:
        show_table(["key", "there", "back"], _rows(options))


def _options(settings: tuple[str, ...]) -> dict[str, Any]:
    """``delay_ms=30 back.loss_pct=1`` as options."""
    options: dict[str, Any] = {}
    for text in settings:
        key, equals, value = text.partition("=")
        try:
            number = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise ConfigError(f"{text!r}: KEY=NUMBER was expected, like delay_ms=30 or back.loss_pct=1")
        table = options.setdefault("back", {}) if key.startswith("back.") else options
        table[key.removeprefix("back.")] = int(number) if number.is_integer() else number
    return options


def _rows(options: dict[str, Any]) -> list[list[str]]:
    back = options.get("back") or options
    keys = [key for key in options if key not in ("back", "hold_kib")]
    return [[key, str(options[key]), str(back.get(key, options[key]))] for key in keys]
