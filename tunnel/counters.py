"""The ledger: what every device and handler counted, and the law that it must obey.

A tally has three units: ``packets`` on the wire (a super-packet counts its segments),
``descriptors`` (it counts once, as the kernel counts it) and ``bytes``. For every handler, and for
the engine as a whole, in wire packets::

    rx + emitted + cloned = tx + held + consumed + sum(drops by reason)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypedDict


class Tally(TypedDict):
    """One verb's count in three units."""

    descriptors: int
    packets: int
    bytes: int


class Counts(TypedDict):
    """What one device or handler counted; ``held`` is what it keeps now."""

    rx: Tally
    tx: Tally
    emitted: Tally
    cloned: Tally
    held: Tally
    consumed: Tally
    drops: dict[str, Tally]


class Offload(TypedDict):
    """One offload of a device: whether it is on, how often it carried something, how often it was refused."""

    on: bool
    used: int
    refused: int


class Ledger(TypedDict):
    """What an engine counted, by name.

    ``kernel`` holds the kernel's own drops by device, ``offloads`` the rows of ``Device.offloads``.
    """

    devices: dict[str, Counts]
    handlers: dict[str, Counts]
    kernel: dict[str, dict[str, int]]
    offloads: dict[str, dict[str, Offload]]


def imbalance(counts: Counts) -> int:
    """Wire packets that a handler cannot account for: 0 while the law holds."""
    return _came(counts) - counts["tx"]["packets"] - _stayed(counts)


def engine_imbalance(ledger: Ledger) -> int:
    """Wire packets that the engine cannot account for: 0 while the law holds."""
    devices, handlers = ledger["devices"].values(), ledger["handlers"].values()
    came = sum(d["rx"]["packets"] for d in devices)
    made = sum(h["emitted"]["packets"] + h["cloned"]["packets"] for h in handlers)
    left = sum(d["tx"]["packets"] for d in devices)
    return came + made - left - sum(map(_stayed, [*devices, *handlers]))


def drops(ledger: Ledger) -> dict[str, int]:
    """Wire packets dropped, by reason, over all devices and handlers."""
    total: dict[str, int] = {}
    for counts in _all(ledger):
        for reason, tally in counts["drops"].items():
            total[reason] = total.get(reason, 0) + tally["packets"]
    return total


def _all(ledger: Ledger) -> Iterable[Counts]:
    return [*ledger["devices"].values(), *ledger["handlers"].values()]


def _came(counts: Counts) -> int:
    return counts["rx"]["packets"] + counts["emitted"]["packets"] + counts["cloned"]["packets"]


def _stayed(counts: Counts) -> int:
    dropped = sum(tally["packets"] for tally in counts["drops"].values())
    return counts["held"]["packets"] + counts["consumed"]["packets"] + dropped
