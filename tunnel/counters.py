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


class NamespaceDrops(TypedDict):
    """What the kernel dropped in a namespace, in packets as it counts them, whoever's they were.

    ``interfaces``: rx_dropped and tx_dropped by the interface's name. ``protocols``: errors of Ip, Ip6,
    Udp, Udp6 and Tcp by the names of /proc/net/snmp.
    """

    interfaces: dict[str, dict[str, int]]
    protocols: dict[str, dict[str, int]]


class Ledger(TypedDict):
    """What an engine counted, by name.

    ``kernel``: the kernel's own drops on a device's account (``Device.kernel_drops``).
    ``namespaces``: those around the devices' sockets (``Device.namespace_drops``). What could not be
    read is None. ``offloads``: the rows of ``Device.offloads``.
    """

    devices: dict[str, Counts]
    handlers: dict[str, Counts]
    offloads: dict[str, dict[str, Offload]]
    kernel: dict[str, dict[str, int | None]]
    namespaces: dict[str, NamespaceDrops | None]


class Account(TypedDict):
    """The law for an engine, in wire packets; ``open`` is what is missing: 0 while the law holds."""

    rx: int
    emitted: int
    cloned: int
    tx: int
    held: int
    consumed: int
    drops: int
    open: int


def imbalance(counts: Counts) -> int:
    """Wire packets that a handler cannot account for: 0 while the law holds."""
    return _came(counts) - counts["tx"]["packets"] - _stayed(counts)


def engine_imbalance(ledger: Ledger) -> int:
    """Wire packets that the engine cannot account for: 0 while the law holds."""
    return account(ledger)["open"]


def account(ledger: Ledger) -> Account:
    """Each term of the law over the whole engine: what came to its devices is where?

    While an engine runs, ``open`` is what waits between two handlers for the next breath.
    """
    devices, handlers = list(ledger["devices"].values()), list(ledger["handlers"].values())
    every = [*devices, *handlers]
    rx = sum(d["rx"]["packets"] for d in devices)
    tx = sum(d["tx"]["packets"] for d in devices)
    emitted = sum(h["emitted"]["packets"] for h in handlers)
    cloned = sum(h["cloned"]["packets"] for h in handlers)
    held = sum(one["held"]["packets"] for one in every)
    consumed = sum(one["consumed"]["packets"] for one in every)
    dropped = sum(drops(ledger).values())
    missing = rx + emitted + cloned - tx - held - consumed - dropped
    return Account(
        rx=rx, emitted=emitted, cloned=cloned, tx=tx, held=held, consumed=consumed, drops=dropped, open=missing
    )


def kernel_drops(ledger: Ledger) -> int:
    """Descriptors that the kernel dropped on the devices' account, as far as it could be read."""
    return sum(count or 0 for found in ledger["kernel"].values() for count in found.values())


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
