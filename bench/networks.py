"""A network of namespaces on bridges, as scenarios of labs build it: as a topology file, and as commands of ip(8).

Each bridge is in a namespace of its own, has an address of both families, and is the gateway of its nodes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

SAMPLE = 20
LAB = "bench"


@dataclass(frozen=True)
class Network:
    """``nodes`` on bridges of at most ``ports``; not ``linked`` is the namespaces alone."""

    nodes: int
    ports: int
    linked: bool = True

    def bridges(self) -> Iterator[tuple[str, list[int]]]:
        """Each bridge with the numbers of its nodes."""
        for number, first in enumerate(range(0, self.nodes, self.ports)):
            yield f"br{number}", list(range(first, min(first + self.ports, self.nodes)))

    def names(self) -> list[str]:
        """All namespaces."""
        return [*(name for name, _ in self.bridges()), *(f"n{number}" for number in range(self.nodes))]

    def sample(self) -> dict[str, dict[int, str]]:
        """Nodes that are asked whether they reach each other, all on the last bridge, with their addresses."""
        *_, (_, numbers) = self.bridges()
        step = max(1, len(numbers) // SAMPLE)
        bridge = numbers[0] // self.ports
        return {
            f"n{number}": {4: _v4(bridge, place), 6: _v6(bridge, place)}
            for place, number in itertools.islice(enumerate(numbers, 1), 0, step * SAMPLE, step)
        }  # fmt: skip

    def file(self) -> str:
        """The topology file."""
        text = [f'name = "{LAB}"']
        for bridge, (name, numbers) in enumerate(self.bridges()):
            text.append(f"[bridges.{name}]")
            text += [f'address = ["{_v4(bridge, 0)}/16", "{_v6(bridge, 0)}/64"]'] if self.linked else []
            for place, number in enumerate(numbers, 1):
                text.append(f"[nodes.n{number}]")
                text += self._linked(bridge, place, name, number) if self.linked else []
        return "\n".join(text) + "\n"

    def _linked(self, bridge: int, place: int, name: str, number: int) -> list[str]:
        return [
            f'routes = [{{to = "default", via = "{_v4(bridge, 0)}"}}, {{to = "default", via = "{_v6(bridge, 0)}"}}]',
            "[[links]]",
            f'endpoints = ["n{number}:eth0", "{name}"]',
            f'address = ["{_v4(bridge, place)}/16", "{_v6(bridge, place)}/64"]',
        ]  # fmt: skip

    def bridge_commands(self, bridge: int, name: str) -> list[str]:
        """What is said to ip(8) in a bridge's namespace before it has ports."""
        return ["link set lo up"] + self.linked * [
            f"link add {name} type bridge",
            f"address add {_v4(bridge, 0)}/16 dev {name}",
            f"address add {_v6(bridge, 0)}/64 dev {name} nodad",
            f"link set {name} up",
        ]  # fmt: skip

    def port_commands(self, name: str, numbers: list[int]) -> list[str]:
        """What is said there to make the links; the far ends are made in the nodes' namespaces."""
        pairs = [f"link add p{n} master {name} up type veth peer name eth0 netns {LAB}-n{n}" for n in numbers]
        return self.linked * pairs

    def node_commands(self, bridge: int, place: int) -> list[str]:
        """What is said in a node's namespace, once it has its link."""
        return ["link set lo up"] + self.linked * [
            f"address add {_v4(bridge, place)}/16 dev eth0",
            f"address add {_v6(bridge, place)}/64 dev eth0 nodad",
            "link set eth0 up",
            f"route add default via {_v4(bridge, 0)}",
            f"route add default via {_v6(bridge, 0)}",
        ]  # fmt: skip


def _v4(bridge: int, place: int) -> str:
    return f"10.{bridge}.{place >> 8}.{place & 255}" if place else f"10.{bridge}.255.254"


def _v6(bridge: int, place: int) -> str:
    return f"fd00:0:0:{bridge:x}::{place or 0xffff:x}"
