"""The ledger as one table: where packets were dropped, why, and how many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tunnel import reasons
from tunnel.counters import Counts, Ledger, NamespaceDrops, account

NOTE = (
    "kernel and netns: as the kernel counts, a super-packet once; packets and bytes are not known. "
    "kernel tx: of all queues of the interface, other programs' too. "
    "netns: of everybody in the namespace, the lines above included; not to be added to them."
)

# What the kernel's own names mean: keys of Device.kernel_drops, then those of Device.namespace_drops.
KERNEL = {
    "rx": "the socket's receive buffer was full",
    "tx": "the queues of the interface towards us were full",
    "rx_dropped": "came to the interface, and nobody had room or use for it",
    "tx_dropped": "was to leave by the interface, and found its queue full",
    "InHdrErrors": "IP: a header that is wrong, or a TTL that ran out",
    "InAddrErrors": "IP: not for an address of this host, and not to be forwarded",
    "InDiscards": "IP: came in and was thrown away for want of memory, or by a rule",
    "OutDiscards": "IP: was to go out and was thrown away for want of memory, or by a rule",
    "OutNoRoutes": "IP: no route to its destination",
    "InNoRoutes": "IP: to be forwarded, and no route to its destination",
    "InTooBigErrors": "IP: to be forwarded, and larger than the next MTU",
    "InTruncatedPkts": "IP: shorter than its header says",
    "ReasmFails": "IP: fragments that did not become a packet",
    "FragFails": "IP: too large, and not to be fragmented",
    "NoPorts": "UDP: no socket has the port",
    "InErrors": "UDP: errors on receive, those of the other lines included",
    "RcvbufErrors": "UDP: a socket's receive buffer was full",
    "SndbufErrors": "UDP: a socket's send buffer was full",
    "InCsumErrors": "the checksum is wrong",
    "MemErrors": "UDP: net.ipv4.udp_mem is used up",
    "InErrs": "TCP: segments with errors, wrong checksums included",
}
UNREAD = "could not be read (the interface is gone, or CAP_NET_ADMIN is missing)"


class Row(NamedTuple):
    """One line of the table. A count that is not known is None."""

    where: str
    reason: str
    meaning: str
    packets: int | None
    descriptors: int | None
    bytes: int | None


def rows(ledger: Ledger) -> list[Row]:
    """Drops of devices and handlers; the kernel's on the devices' account; the namespaces', where not 0."""
    found = [*_counted("device", ledger["devices"]), *_counted("handler", ledger["handlers"])]
    for device, counts in ledger["kernel"].items():
        found += [_by_kernel(f"kernel {device}", name, count) for name, count in counts.items()]
    several = len(ledger["namespaces"]) > 1
    for label, drops in ledger["namespaces"].items():
        found += _around(label if several or drops is None else "netns", drops)
    return found


def report(ledger: Ledger) -> dict[str, Any]:
    """Table, account and ledger, for JSON."""
    return {
        "rows": [row._asdict() for row in rows(ledger)],
        "account": account(ledger),
        "note": NOTE,
        "ledger": ledger,
    }


def meaning(reason: str) -> str:
    """What a reason of ``tunnel.reasons`` means."""
    known = reasons.known()
    return reasons.text(known.index(reason) if reason in known else reasons.MAX)


def _counted(kind: str, nodes: dict[str, Counts]) -> Iterator[Row]:
    for name, counts in nodes.items():
        for reason, tally in counts["drops"].items():
            yield Row(f"{kind} {name}", reason, meaning(reason), **tally)


def _by_kernel(where: str, name: str, count: int | None) -> Row:
    return Row(where, name, KERNEL[name] if count is not None else UNREAD, None, count, None)


def _around(where: str, drops: NamespaceDrops | None) -> Iterator[Row]:
    if drops is None:
        yield Row(where, "-", UNREAD, None, None, None)
        return
    for group in (drops["interfaces"], drops["protocols"]):
        for place, counts in group.items():
            for name, count in counts.items():
                if count:
                    yield _by_kernel(f"{where} {place}", name, count)
