"""The kernel's side of an experiment: namespaces, links, bridges, addresses and routes.

``Lab`` is the way in to namespaces of one's own. All rights lie in one holder process (``tunnel.lab.holder``),
which speaks to the kernel; everything a lab made ends with it. ``Namespace`` is the way in to one that is there.

    async with Lab.from_file("office.toml") as lab:
        await lab["a"].run("ping", "-c", "1", "10.0.0.2")

    with Lab() as lab:
        a, b = lab.node("a"), lab.node("b")
        lab.link((a, "eth0"), (b, "eth0"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tunnel.errors import LabError

if TYPE_CHECKING:
    from tunnel.lab.building import Blueprint
    from tunnel.lab.lab import Lab, attached
    from tunnel.lab.namespace import Namespace
    from tunnel.lab.node import Node
    from tunnel.lab.rows import Bridge, FdbEntry, Interface, Neighbour, Port, Route, Rule

__all__ = [
    "Blueprint", "Bridge", "FdbEntry", "Interface", "Lab", "LabError", "Namespace", "Neighbour", "Node", "Port",
    "Route", "Rule", "attached",
]  # fmt: skip

# The holder is a module of this package and needs none of them.
_MODULES = {
    "Blueprint": "building", "Lab": "lab", "Namespace": "namespace", "Node": "node", "attached": "lab",
    **dict.fromkeys(("Bridge", "FdbEntry", "Interface", "Neighbour", "Port", "Route", "Rule"), "rows"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
