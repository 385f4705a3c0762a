"""The interface as the configuration protocol sees it: the handler, the UDP socket and their link.

The link follows that of the TUN: while it is down there is no socket and no session, only what was
configured. A port that cannot be had when the link comes up is asked for again, until it can be.
"""

from __future__ import annotations

import errno
import logging
from time import monotonic_ns
from typing import Protocol

from tunnel.devices.udp import Udp
from tunnel.engine import Engine
from tunnel.errors import DeviceError
from tunnel.protocols.wireguard import uapi_device
from tunnel.wg import rights

log = logging.getLogger(__name__)


class Tunnel(uapi_device.Tunnel, Protocol):
    """What the program wants of the handler between ``overlay`` and ``underlay``; see ``tunnel.handlers``."""

    mtu: int  # of the overlay, bytes

    def up(self, now_ns: int) -> None:
        """There is a socket: peers start."""

    def down(self) -> None:
        """There is none: peers stop, keys are erased."""

    def forget_sources(self) -> None:
        """The port or the mark is another: routing is to choose anew from where to send."""


class Interface:
    """``tunnel.protocols.wireguard.uapi_device.Device``; ``link`` and ``follow`` tell it of the TUN."""

    def __init__(self, tunnel: Tunnel, udp: Udp, engine: Engine) -> None:
        self.tunnel, self._udp, self._engine = tunnel, udp, engine
        self._port = self._mark = 0
        self._host = "[::]"  # both families
        self._up = self._told = False
        engine.detach(udp)

    def link(self, up: bool) -> None:
        """The link of the TUN is up or down; may be told again and again."""
        if up and not self._up:
            self._up = self._opened()
            if self._up:
                self.tunnel.up(monotonic_ns())
        elif self._up and not up:
            self._up = False
            self.tunnel.down()
            self._engine.detach(self._udp)
            log.info("link down")
        self._engine.rearm()

    def follow(self, mtu: int) -> None:
        """The MTU of the TUN, bytes."""
        if mtu != self.tunnel.mtu:
            log.info("MTU %d", mtu)
            self.tunnel.mtu = mtu

    @property
    def listen_port(self) -> int:
        """The port; once the kernel has chosen one, that. ``OSError``: it cannot be had, and the old one stays."""
        return self._port

    @listen_port.setter
    def listen_port(self, port: int) -> None:
        if self._up and (port != self._port or port == 0):
            try:
                with rights.for_port(port):
                    self._udp.rebind(f"{self._host}:{port}")
                self._engine.detach(self._udp)
                self._engine.attach(self._udp)
            except DeviceError as error:
                raise OSError(error.errno, str(error)) from None
            port = self._udp.address[1]
            self.tunnel.forget_sources()
        self._port, self._told = port, False

    @property
    def fwmark(self) -> int:
        """The firewall mark of what is sent, 0 for none. ``OSError``: it cannot be set, and the old one stays."""
        return self._mark

    @fwmark.setter
    def fwmark(self, mark: int) -> None:
        self._udp.set_mark(mark)
        self._mark = mark
        self.tunnel.forget_sources()

    def _opened(self) -> bool:
        """Whether there is a socket now; that there is none is said once."""
        try:
            self._open()
        except DeviceError as error:
            if not self._told:
                log.error("the link is up, but port %d cannot be had: %s; it is tried again", self._port, error)
            self._told = True
            return False
        self._port, self._told = self._udp.address[1], False
        log.info("link up, port %d", self._port)
        return True

    def _open(self) -> None:
        try:
            self._attach()
        except DeviceError as error:
            if error.errno != errno.EAFNOSUPPORT or self._host == "0.0.0.0":
                raise
            self._host = "0.0.0.0"  # no IPv6 in this kernel
            self._attach()

    def _attach(self) -> None:
        self._udp.rebind(f"{self._host}:{self._port}")
        with rights.for_port(self._port):
            self._engine.attach(self._udp)
