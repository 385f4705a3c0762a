"""Who reaches whom in a lab, how fast and how surely: which pairs are asked, and what came of it.

``tunnel.lab.echoes`` asks them all at once.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from typing import Any

from tunnel.lab.node import Node
from tunnel.lab.topology import Topology

ALL_PAIRS_TO = 50  # nodes
NEAR = 16  # neighbours of a node on one bridge
SAMPLE = 500  # pairs
SEED = 1

Pair = tuple[str, str]


@dataclass(frozen=True)
class Reach:
    """What came of the echo requests from ``source`` to an ``address`` of ``target``.

    ``rtts_s`` are the round-trip times of those that were answered, in seconds, the shortest first;
    ``words`` are the kernel's, where it would not send.
    """

    source: str
    target: str
    address: str
    sent: int
    rtts_s: tuple[float, ...]
    words: str | None = None

    @property
    def version(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.address else 4

    @property
    def received(self) -> int:
        """How many were answered."""
        return len(self.rtts_s)

    @property
    def loss_pct(self) -> float:
        """How many were not, in percent."""
        return 100 * (self.sent - self.received) / self.sent

    @property
    def median_s(self) -> float | None:
        """The median round-trip time; None where nothing came back."""
        return self.rtts_s[len(self.rtts_s) // 2] if self.rtts_s else None

    def as_json(self) -> dict[str, Any]:
        """For a program; times in milliseconds."""
        times = [self.rtts_s[0], self.median_s, self.rtts_s[-1]] if self.rtts_s else [None] * 3
        rtts = [None if time is None else round(1000 * time, 4) for time in times]
        return {
            "from": self.source,
            "to": self.target,
            "address": self.address,
            "sent": self.sent,
            "received": self.received,
            "rtt_ms": dict(zip(("min", "median", "max"), rtts, strict=True)),
            "error": self.words,
        }


def pairs(topology: Topology) -> tuple[str, list[Pair]]:
    """Which pairs are asked, and the sentence that says so."""
    names = list(topology.nodes)
    everyone = [(a, b) for a in names for b in names if a != b] if len(names) <= ALL_PAIRS_TO else []
    if everyone or len(names) < 2:
        return f"every pair of {len(names)} nodes", everyone
    chosen = dict.fromkeys((a, b) for a, beside in _near(topology).items() for b in beside)
    wanted = min(SAMPLE, len(names) * (len(names) - 1) - len(chosen))
    source = random.Random(SEED)
    total = len(chosen) + wanted
    while len(chosen) < total:
        a, b = source.sample(names, 2)
        chosen[a, b] = None
    near = f"each to its neighbours (on a bridge the next {NEAR})"
    return f"{len(names)} nodes, {near}, and {wanted} random pairs (seed {SEED})", list(chosen)


def _near(topology: Topology) -> dict[str, list[str]]:
    """Of each node those that share a link with it, and those that follow it on a bridge, round and round."""
    at: dict[str, list[str]] = {name: [] for name in [*topology.nodes, *topology.bridges]}
    for link in topology.links:
        one, other = (end.split(":")[0] for end in link.endpoints)
        at[one].append(other)
        at[other].append(one)
    found: dict[str, list[str]] = {name: [] for name in topology.nodes}
    for place, beside in at.items():
        nodes = [name for name in dict.fromkeys(beside) if name in topology.nodes and name != place]
        if place in topology.nodes:
            found[place] += nodes
            continue
        for number, name in enumerate(nodes):
            found[name] += (nodes[number + 1 :] + nodes[:number])[:NEAR]
    return found


def addresses(topology: Topology, nodes: Mapping[str, Node]) -> dict[str, dict[int, str]]:
    """Of each node the first global address of each family: as described, or else as the kernel has it."""
    own = _described(topology)
    found = {}
    for name, interfaces in own.items():
        first = _first(address for each in interfaces.values() for address in each)
        found[name] = first or _first(
            address for interface in interfaces for address in nodes[name].addresses(interface)
        )
    return found


def _described(topology: Topology) -> dict[str, dict[str, list[str]]]:
    """Of each node its interfaces with the addresses that the description gives them."""
    own: dict[str, dict[str, list[str]]] = {name: {} for name in topology.nodes}
    for link in topology.links:
        for end, given in zip(link.endpoints, (link.address, link.peer_address), strict=True):
            name, colon, interface = end.partition(":")
            if colon and name in own:
                own[name][interface] = given
    for name, node in topology.nodes.items():
        own[name].update({interface: each.address for interface, each in node.interfaces.items()})
    return own


def _first(candidates: Iterable[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    for text in candidates:
        address = ip_interface(text).ip
        if not (address.is_link_local or address.is_loopback or address.is_multicast):
            found.setdefault(address.version, str(address))
    return found
