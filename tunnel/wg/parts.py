"""What an interface consists of: a TUN, the handler, a UDP socket, and the socket to be configured by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tunnel.devices.tun_ioctl import identity
from tunnel.devices.tuntap import Tun
from tunnel.devices.udp import Udp
from tunnel.graph import Graph
from tunnel.graph_sends import tell_sends
from tunnel.wg import uapi_socket
from tunnel.wg.command_line import Settings
from tunnel.wg.uapi_socket import UapiSocket

MTU = 1420  # 1500 less IPv6, UDP and the tunnel's own 32 bytes
QUEUE = 4096  # packets: 20 ms at 200,000 a second, where 1,000 do not outlast one turn of another process

MakeTunnel = Callable[[], Any]  # a handler that is a ``tunnel.wg.interface.Tunnel``


def wireguard() -> Any:
    """The handler that the program has by itself."""
    from tunnel.handlers.wireguard import WireGuard

    return WireGuard()


@dataclass
class Parts:
    """``name`` is the interface's, as the kernel says. The TUN and ``uapi`` are open, ``udp`` is not."""

    name: str
    graph: Graph
    tun: Tun
    udp: Udp
    tunnel: Any
    uapi: UapiSocket


@contextmanager
def built(settings: Settings, make: MakeTunnel) -> Iterator[Parts]:
    """The parts; closed and removed at the end. ``DeviceError`` or ``ConfigError`` where one cannot be had."""
    graph = Graph()
    tun, udp, tunnel = _tun(settings), Udp(listen="[::]:0"), make()
    graph.add(tun, "tun")
    graph.add(udp, "udp")
    graph.add(tunnel, "wg")
    graph.link("tun -- wg.overlay")
    graph.link("wg.underlay -- udp")
    tell_sends(graph)
    with tun:
        name = identity(tun.fd)[0]
        uapi = uapi_socket.listen(name) if settings.uapi_fd is None else uapi_socket.adopt(settings.uapi_fd, name)
        try:
            yield Parts(name, graph, tun, udp, tunnel, uapi)
        finally:
            uapi.remove()


def _tun(settings: Settings) -> Tun:
    if settings.tun_fd is None:
        return Tun(settings.name, mtu=MTU, txqueuelen=QUEUE, up=False)
    return Tun(identity(settings.tun_fd)[0], fd=settings.tun_fd)
