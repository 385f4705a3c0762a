"""The kernel's side of an experiment: namespaces, links, bridges, addresses and routes.

``Lab`` is the way in. All rights lie in one holder process (``tunnel.lab.holder``), which alone
imports pyroute2; everything a lab made ends with it.

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
    from tunnel.lab.node import Interface, Node

__all__ = ["Blueprint", "Interface", "Lab", "LabError", "Node", "attached"]

# The holder is a module of this package and needs none of them.
_MODULES = {"Blueprint": "building", "Interface": "node", "Lab": "lab", "Node": "node", "attached": "lab"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
