"""A packet engine for Linux in user space: see README.md.

The names here are the public ones; what lies in the modules behind them may move.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunnel import reasons
from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.errors import ConfigError, DeviceClosed, DeviceError, TunnelError
from tunnel.handler import Handler
from tunnel.packet import Packet

if TYPE_CHECKING:
    from tunnel.engine import Engine
    from tunnel.graph import Graph

__all__ = [
    "Batch",
    "ConfigError",
    "Device",
    "DeviceClosed",
    "DeviceError",
    "Engine",
    "Graph",
    "Handler",
    "Packet",
    "TunnelError",
    "get_include",
    "reasons",
]


def get_include() -> str:
    """The folder that a plugin's build gives Cython as ``include_path``: the C interface lies there."""
    return str(Path(__file__).parents[1])


def __getattr__(name: str) -> Any:
    """``Graph`` and ``Engine`` bring asyncio and the configuration with them: loaded when first used."""
    if name == "Graph":
        from tunnel.graph import Graph

        return Graph
    if name == "Engine":
        from tunnel.engine import Engine

        return Engine
    raise AttributeError(f"module 'tunnel' has no attribute {name!r}")
