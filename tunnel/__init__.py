"""A packet engine for Linux in user space, programmable in Python and Cython.

Packets, batches, devices, handlers, a graph, an engine: see README.md for the order in which to
read the code. The public names below are imported when they are first asked for, so that
``import tunnel`` and the command line start at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunnel.batch import Batch as Batch
    from tunnel.device import Device as Device
    from tunnel.devices.memory import Memory as Memory
    from tunnel.devices.packet_socket import PacketSocket as PacketSocket
    from tunnel.devices.pcap import Pcap as Pcap
    from tunnel.devices.tuntap import Tap as Tap
    from tunnel.devices.tuntap import Tun as Tun
    from tunnel.devices.udp import Udp as Udp
    from tunnel.engine import Engine as Engine
    from tunnel.graph import Graph as Graph
    from tunnel.handler import Handler as Handler
    from tunnel.packet import Packet as Packet
    from tunnel.service import run as run

_PLACES = {
    "Batch": "batch",
    "Device": "device",
    "Engine": "engine",
    "Graph": "graph",
    "Handler": "handler",
    "Memory": "devices.memory",
    "Packet": "packet",
    "PacketSocket": "devices.packet_socket",
    "Pcap": "devices.pcap",
    "Tap": "devices.tuntap",
    "Tun": "devices.tuntap",
    "Udp": "devices.udp",
    "run": "service",
    **dict.fromkeys(("CONSUMED", "DATAGRAM", "DROP", "ETHERNET", "HELD", "IP", "PUNT"), "packet"),
}

__version__ = "0.1.0"


def get_include() -> str:
    """The folder for ``include_path`` and ``-I`` of a Cython plugin: ``from tunnel cimport Handler``."""
    from pathlib import Path

    return str(Path(__file__).parent.parent)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'tunnel' has no attribute {name!r}")
    value = getattr(import_module(f"tunnel.{_PLACES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
