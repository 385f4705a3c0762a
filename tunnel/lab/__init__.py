"""The kernel's side of an experiment: namespaces, links, bridges, addresses and routes.

``Lab`` is the way in. All rights lie in one holder process (``tunnel.lab.holder``), which alone
imports pyroute2; everything a lab made ends with it.
"""

from __future__ import annotations

from tunnel.errors import LabError
from tunnel.lab.lab import Lab, attached
from tunnel.lab.node import Interface, Node

__all__ = ["Interface", "Lab", "LabError", "Node", "attached"]
