"""What stands in the boxes of a lab's picture: short lines, each with its style.

A letter of a monospaced font is 0.6 of its size wide, and the picture pins each text to that width, so
the layout knows how large it is whatever font the reader has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tunnel.impairment import Impairment
from tunnel.lab.topology import AnyInterface, Bridge, Card, Link, Node, Topology, Tun, Vxlan

SIZES = {"title": 16, "name": 13, "small": 11, "label": 11}  # pixels
LETTER = 0.602
LEADING = 4  # pixels between lines
LONGEST = 30  # letters of a line; the whole text is in the tooltip
ETHERNET_MTU = 1500
NUMBERS = (
    ("delay_ms", "{:g} ms"),
    ("jitter_ms", "±{:g} ms"),
    ("loss_pct", "{:g} %"),
    ("burst_pct", "burst {:g} %"),
    ("duplicate_pct", "dup {:g} %"),
    ("corrupt_pct", "corrupt {:g} %"),
    ("reorder_pct", "reorder {:g} %"),
    ("rate_mbit", "{:g} Mbit/s"),
)


@dataclass(frozen=True)
class Line:
    """A line of text; ``style`` is a key of ``SIZES``."""

    text: str
    style: str = "small"

    @property
    def width(self) -> float:
        """In pixels."""
        return len(self.text) * SIZES[self.style] * LETTER


def short(text: str) -> str:
    """``text`` with its end left out where it is long."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def width(lines: Iterable[Line]) -> float:
    """Of the widest line, in pixels."""
    return max((line.width for line in lines), default=0.0)


def height(lines: Iterable[Line]) -> float:
    """Of lines below each other, in pixels."""
    return sum(SIZES[line.style] + LEADING for line in lines)


def kind_of(topology: Topology, name: str, ends: int) -> str:
    """``bridge``, ``engine``, ``router`` (more than one end of a link, or it forwards) or ``host``."""
    if name in topology.bridges:
        return "bridge"
    node = topology.nodes[name]
    if node.graph is not None:
        return "engine"
    return "router" if ends > 1 or _forwards(node) else "host"


def _forwards(node: Node) -> bool:
    return any(
        value in (1, "1") and key.replace("/", ".").endswith((".ip_forward", ".forwarding"))
        for key, value in node.sysctls.items()
    )


def body(topology: Topology, name: str, kind: str) -> list[Line]:
    """The lines of a node or a bridge itself."""
    if kind == "bridge":
        return _bridge(name, topology.bridges[name])
    node = topology.nodes[name]
    lines = [Line(short(name), "name")]
    if node.graph is not None:
        lines.append(Line(short(f"engine {node.graph}")))
    if node.masquerade:
        lines.append(Line(short(f"masquerades {', '.join(node.masquerade)}")))
    programs = [program.command[0].rsplit("/", 1)[-1] for program in node.run]
    lines += [Line(short(f"runs {program}")) for program in programs]
    return lines + _interfaces(node.interfaces)


def _bridge(name: str, bridge: Bridge) -> list[Line]:
    notes = ["bridge"] + ["STP"] * bridge.stp + ["VLANs"] * bridge.vlan_filtering + ["of the host"] * bridge.host
    first = Line(f"{short(name)} ({', '.join(notes)})", "name")
    return [first, *map(Line, bridge.address), *_interfaces(bridge.interfaces)]


def _interfaces(interfaces: dict[str, AnyInterface]) -> list[Line]:
    lines = []
    for name, interface in interfaces.items():
        lines.append(Line(short(f"{name} {_type(interface)}")))
        lines += map(Line, interface.address)
    return lines


def _type(interface: AnyInterface) -> str:
    if isinstance(interface, Vxlan):
        return f"VXLAN {interface.vni}" + (f" to {interface.remote}" if interface.remote else "")
    if isinstance(interface, Card):
        return f"card {interface.card}"
    return "TUN" if isinstance(interface, Tun) else "TAP"


def end(link: Link, number: int) -> list[Line]:
    """The lines at an end (0 or 1) of a link; a bridge's has none."""
    _, colon, interface = link.endpoints[number].partition(":")
    if not colon:
        return []
    more = [f"MTU {link.mtu}"] * (link.mtu != ETHERNET_MTU) + ["down"] * (not link.up)
    addresses = link.peer_address if number else link.address
    return [Line(" ".join([interface, *more])), *map(Line, addresses)]


def impairment(link: Link, arrows: str) -> list[Line]:
    """What is done to a link's packets: one line for both ways, or one each.

    ``arrows`` are two signs: the way from the first end, and that from the second.
    """
    there, back = link.impair, link.impair_back
    if back is None:
        texts = [numbers(there)]
    else:
        ways = ((arrows[0], numbers(there)), (arrows[1], numbers(back)))
        texts = [f"{arrow} {text}" for arrow, text in ways if text]
    return [Line(text, "label") for text in texts if text]


def numbers(impair: Impairment | None) -> str:
    """What is set, like ``20 ms, 1 %``."""
    found = ((getattr(impair, name, 0), form) for name, form in NUMBERS)
    return ", ".join(form.format(value) for value, form in found if value)
