"""What the kernel counts of a ``Udp`` device: at its socket, and in the namespace of that."""

from __future__ import annotations

import socket

from tunnel.counters import NamespaceDrops
from tunnel.devices.namespace_counters import Surroundings
from tunnel.devices.since import Since
from tunnel.devices.udp_socket import UdpOptions, drops


class UdpCounters:
    """Counts over all openings of one device."""

    def __init__(self, options: UdpOptions) -> None:
        self._options = options
        self._socket: socket.socket | None = None
        self._dropped = Since(32)
        self._around = Surroundings()

    def start(self, sock: socket.socket) -> None:
        """A socket of our own begins at 0, whatever it has lost since it was bound; an inherited one does not."""
        self._socket = sock
        if self._options.fd is None:
            self._dropped.start(0)
            self._around.start(self._options.netns, f"udp {self._options.listen}")
        else:
            self._dropped.start(drops(sock))
            self._around.start_at(sock.fileno(), f"udp fd {self._options.fd}")

    def stop(self) -> None:
        """Before the socket is closed."""
        if self._socket is not None:
            self._dropped.stop(drops(self._socket))
            self._around.stop()
            self._socket = None

    def dropped(self) -> int | None:
        """What the socket had no room for, in the kernel's units."""
        return self._dropped.total(None if self._socket is None else drops(self._socket))

    def around(self) -> dict[str, NamespaceDrops | None]:
        """See ``Device.namespace_drops``."""
        return self._around.read()
