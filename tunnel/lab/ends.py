"""The ends of a topology's links: where each is, and what its interface is called.

An end at a node is named by the topology. A bridge's port is named after what is at the other end:
``a-eth0`` or ``br1``, cut and numbered by a hash where that is longer than a name may be; on the host,
where others have names too, always a hash.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass

from tunnel.lab.names import LONGEST
from tunnel.lab.topology import Link, Topology

HOST_PREFIX = "tn"


@dataclass(frozen=True)
class End:
    """One end: the node or bridge, the interface there, its addresses and MAC; ``link`` is its number.

    ``key`` is where the topology names the addresses; ``far`` tells that it is made from its other end.
    """

    place: str
    interface: str
    addresses: list[str]
    mac: str | None
    link: int
    key: str
    far: bool = False


class Ends:
    """All ends of a topology's links."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._pairs: list[tuple[End, End]] = []
        self._at: dict[str, list[End]] = defaultdict(list)
        self._names: set[tuple[str, str]] = set()
        for number, link in enumerate(topology.links):
            self._add(number, link)

    def of(self, link: int) -> tuple[End, End]:
        """The near and the far end of a link: near is a bridge's, where there is one, so that its ports are
        made together."""
        return self._pairs[link]

    def at(self, place: str) -> list[End]:
        """The ends at a node or bridge."""
        return self._at.get(place, [])

    def every(self) -> list[End]:
        """All ends."""
        return [end for pair in self._pairs for end in pair]

    def find(self, text: str) -> int | None:
        """The number of the link with an end ``NODE:INTERFACE`` (or ``BRIDGE:PORT``); None where there is none."""
        place, _, interface = text.partition(":")
        found = (end.link for end in self.at(place) if end.interface == interface)
        return next(found, None)

    def port(self, bridge: str, text: str) -> str:
        """The port of a bridge that is named by its interface, or by its far end ``NODE:INTERFACE``."""
        if ":" not in text:
            return text
        link = self.find(text)
        ends = [] if link is None else [end for end in self.of(link) if end.place == bridge]
        return ends[0].interface if ends else text

    def _add(self, number: int, link: Link) -> None:
        first, second = link.endpoints
        interfaces = self._interface(first, second), self._interface(second, first)
        one = End(first.partition(":")[0], interfaces[0], link.address, link.mac, number, "address")
        other = End(second.partition(":")[0], interfaces[1], link.peer_address, link.peer_mac, number, "peer_address")
        if other.place in self._topology.bridges and one.place not in self._topology.bridges:
            one, other = other, one
        other = End(**{**vars(other), "far": True})
        self._pairs.append((one, other))
        for end in (one, other):
            self._at[end.place].append(end)

    def _interface(self, own: str, opposite: str) -> str:
        place, _, interface = own.partition(":")
        if not interface:
            bridge = self._topology.bridges[place]
            interface = self._port(place, opposite.replace(":", "-"), bridge.host)
        self._names.add((place, interface))
        return interface

    def _port(self, bridge: str, wanted: str, host: bool) -> str:
        if host:
            return hashed(HOST_PREFIX, f"{self._topology.name}/{bridge}/{wanted}")
        taken = (bridge, wanted) in self._names or wanted == bridge
        if len(wanted) > LONGEST or taken:
            return hashed(wanted[:6], f"{wanted}/{len(self._names)}" if taken else wanted)
        return wanted


def hashed(beginning: str, text: str) -> str:
    """A name of 15 characters that stands for a longer text."""
    digest = hashlib.blake2s(text.encode(), digest_size=8).hexdigest()
    return f"{beginning}{digest}"[:LONGEST]
