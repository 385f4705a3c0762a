"""The links that an engine carries, since they are impaired or may become so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tunnel.impairment import Impairment
from tunnel.lab.ends import Ends
from tunnel.lab.topology import Link, Topology


def handler_name(link: int) -> str:
    """What the engine calls the handler of a link."""
    return f"link{link}"


def carried_links(topology: Topology, ends: Ends, space: Callable[[str], str]) -> list[dict[str, Any]]:
    """For each carried link its handler, the TAPs of its first and second end, and the handler's options."""
    found = []
    for number, link in enumerate(topology.links):
        if link.carried:
            pair = sorted(ends.of(number), key=lambda end: end.key)  # "address" is the first end's
            taps = [[space(end.place), end.interface] for end in pair]
            found.append({"handler": handler_name(number), "taps": taps, "options": options(link)})
    return found


def options(link: Link) -> dict[str, Any]:
    """The options of ``Impair`` that do what a link's tables say."""
    there = link.impair or Impairment()
    given: dict[str, Any] = msgspec.to_builtins(there)
    back = link.impair_back
    if back is not None:
        given["back"] = without_none(msgspec.to_builtins(back))
    return without_none(given)


def without_none(table: dict[str, Any]) -> dict[str, Any]:
    """What TOML and options can say."""
    return {key: value for key, value in table.items() if value is not None}
