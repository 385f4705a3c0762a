"""The ledger: what every device and handler counted, and the law that it must obey.

A tally has three units: ``packets`` on the wire (a super-packet counts its segments),
``descriptors`` (it counts once, as the kernel counts it) and ``bytes``. For every handler, and for
the engine as a whole, in wire packets::

    rx + emitted + cloned = tx + held + consumed + sum(drops by reason)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


def total(ledgers: Sequence[Ledger]) -> Ledger:
    """The sum of ledgers of the same graph, as several workers counted them."""
    return {
        "devices": _by_name([ledger["devices"] for ledger in ledgers]),
        "handlers": _by_name([ledger["handlers"] for ledger in ledgers]),
        "kernel": {
            name: _sum([found[name] for ledger in ledgers if name in (found := ledger["kernel"])])
            for name in _names(ledger["kernel"] for ledger in ledgers)
        },
        "offloads": {
            name: _offloads([rows[name] for ledger in ledgers if name in (rows := ledger["offloads"])])
            for name in _names(ledger["offloads"] for ledger in ledgers)
        },
        "namespaces": ledgers[0]["namespaces"],  # the same for all
    }


def drops(ledger: Ledger) -> dict[str, int]:
    """Wire packets dropped, by reason, over all devices and handlers."""
    total: dict[str, int] = {}
    for counts in _all(ledger):
        for reason, tally in counts["drops"].items():
            total[reason] = total.get(reason, 0) + tally["packets"]
    return total


def _names(tables: Iterable[Mapping[str, object]]) -> list[str]:
    """Every key once, in the order in which they come."""
    return list(dict.fromkeys(name for table in tables for name in table))


def _sum(tables: Sequence[Mapping[str, int | None]]) -> dict[str, int | None]:
    """None where one of them could not be read."""
    found = {name: [table[name] for table in tables if name in table] for name in _names(tables)}
    return {name: None if None in counts else sum(filter(None, counts)) for name, counts in found.items()}


def _tally(tallies: Sequence[Tally]) -> Tally:
    return {
        "descriptors": sum(tally["descriptors"] for tally in tallies),
        "packets": sum(tally["packets"] for tally in tallies),
        "bytes": sum(tally["bytes"] for tally in tallies),
    }


def _offloads(devices: Sequence[Mapping[str, Offload]]) -> dict[str, Offload]:
    """Of each offload: it is on where it is for all, and the sum of what it did."""
    return {
        name: {
            "on": all(device[name]["on"] for device in devices),
            "used": sum(device[name]["used"] for device in devices),
            "refused": sum(device[name]["refused"] for device in devices),
        }
        for name in _names(devices)
    }


def _by_name(tables: Sequence[dict[str, Counts]]) -> dict[str, Counts]:
    return {name: _counts([table[name] for table in tables if name in table]) for name in _names(tables)}


def _counts(parts: Sequence[Counts]) -> Counts:
    dropped = [part["drops"] for part in parts]
    return {
        "rx": _tally([part["rx"] for part in parts]),
        "tx": _tally([part["tx"] for part in parts]),
        "emitted": _tally([part["emitted"] for part in parts]),
        "cloned": _tally([part["cloned"] for part in parts]),
        "held": _tally([part["held"] for part in parts]),
        "consumed": _tally([part["consumed"] for part in parts]),
        "drops": {name: _tally([drop[name] for drop in dropped if name in drop]) for name in _names(dropped)},
    }


def _all(ledger: Ledger) -> Iterable[Counts]:
    return [*ledger["devices"].values(), *ledger["handlers"].values()]


def _came(counts: Counts) -> int:
    return counts["rx"]["packets"] + counts["emitted"]["packets"] + counts["cloned"]["packets"]


def _stayed(counts: Counts) -> int:
    dropped = sum(tally["packets"] for tally in counts["drops"].values())
    return counts["held"]["packets"] + counts["consumed"]["packets"] + dropped
