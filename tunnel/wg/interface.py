"""The interface as the configuration protocol sees it: the handler, the UDP socket and their link.

The link follows that of the TUN: while it is down there is no socket and no session, only what was
configured. A port that cannot be had when the link comes up is asked for again, until it can be.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping
from time import monotonic_ns
from typing import Protocol

from tunnel.devices.udp import Udp
from tunnel.engine import Engine
from tunnel.errors import DeviceError
from tunnel.protocols.wireguard.uapi_device import Peer
from tunnel.wg import rights

log = logging.getLogger(__name__)


class Tunnel(Protocol):
    """What the program wants of the handler between ``overlay`` and ``underlay``; see ``tunnel.handlers``."""

    private_key: bytes | None
    mtu: int  # of the overlay, bytes

    @property
    def public_key(self) -> bytes | None:
        """What belongs to the private key."""

    @property
    def peers(self) -> Mapping[bytes, Peer]:
        """By public key, in the order in which they were made."""

    def add_peer(self, public_key: bytes) -> Peer:
        """A new peer."""

    def remove_peer(self, public_key: bytes) -> None:
        """Forget a peer."""

    def remove_all_peers(self) -> None:
        """Forget all peers."""

    def configured(self, peer: Peer) -> None:
        """The lines about a peer have been applied."""

    def up(self, now_ns: int) -> None:
        """There is a socket: peers start."""

    def down(self) -> None:
        """There is none: peers stop, keys are erased."""

    def forget_sources(self) -> None:
        """The port or the mark is another: routing is to choose anew from where to send."""


class Interface:
    """``tunnel.protocols.wireguard.uapi_device.Device``; ``link`` and ``follow`` tell it of the TUN."""

    def __init__(self, tunnel: Tunnel, udp: Udp, engine: Engine) -> None:
        self._tunnel, self._udp, self._engine = tunnel, udp, engine
        self._port = self._mark = 0
        self._host = "[::]"  # both families
        self._up = self._told = False
        engine.detach(udp)

    def link(self, up: bool) -> None:
        """The link of the TUN is up or down; may be told again and again."""
        if up and not self._up:
            self._up = self._opened()
            if self._up:
                self._tunnel.up(monotonic_ns())
        elif self._up and not up:
            self._up = False
            self._tunnel.down()
            self._engine.detach(self._udp)
            log.info("link down")
        self._engine.rearm()

    def follow(self, mtu: int) -> None:
        """The MTU of the TUN, bytes."""
        if mtu != self._tunnel.mtu:
            log.info("MTU %d", mtu)
            self._tunnel.mtu = mtu

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
            self._tunnel.forget_sources()
        self._port, self._told = port, False

    @property
    def fwmark(self) -> int:
        """The firewall mark of what is sent, 0 for none. ``OSError``: it cannot be set, and the old one stays."""
        return self._mark

    @fwmark.setter
    def fwmark(self, mark: int) -> None:
        self._udp.set_mark(mark)
        self._mark = mark
        self._tunnel.forget_sources()

    @property
    def private_key(self) -> bytes | None:
        """The handler's."""
        return self._tunnel.private_key

    @private_key.setter
    def private_key(self, key: bytes | None) -> None:
        self._tunnel.private_key = key

    @property
    def public_key(self) -> bytes | None:
        """The handler's."""
        return self._tunnel.public_key

    @property
    def peers(self) -> Mapping[bytes, Peer]:
        """The handler's."""
        return self._tunnel.peers

    def add_peer(self, public_key: bytes) -> Peer:
        """The handler's."""
        return self._tunnel.add_peer(public_key)

    def remove_peer(self, public_key: bytes) -> None:
        """The handler's."""
        self._tunnel.remove_peer(public_key)

    def remove_all_peers(self) -> None:
        """The handler's."""
        self._tunnel.remove_all_peers()

    def configured(self, peer: Peer) -> None:
        """The handler's."""
        self._tunnel.configured(peer)

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
