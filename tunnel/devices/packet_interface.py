"""Options of a ``PacketSocket``, and how it takes hold of its interface and lets go again."""

from __future__ import annotations

import errno
import logging
import socket
import struct
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from tunnel.devices.fanout import SOL_PACKET, Fanout
from tunnel.devices.ingress_guard import guard
from tunnel.devices.socket_buffers import widen
from tunnel.errors import DeviceError
from tunnel.netns import inside

if TYPE_CHECKING:
    from tunnel.netlink import Interface, Netlink

log = logging.getLogger(__name__)

# linux/if_packet.h, linux/if_ether.h, linux/if_arp.h
PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP, PACKET_MR_PROMISC = 1, 2, 1
PACKET_STATISTICS, PACKET_AUXDATA, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 6, 8, 15, 23
ETH_P_ALL = 3
ARPHRD_ETHER = 1


class PacketOptions(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a ``PacketSocket`` is made from; the keys of its table in a graph file."""

    interface: Annotated[str, Meta(description="its name; the device's name unless told")] | None = None
    netns: Annotated[str | int | None, Meta(description="where the interface is: name, path or fd")] = None
    promiscuous: Annotated[bool, Meta(description="receive frames for other stations too")] = True
    guard: Annotated[bool, Meta(description="keep the kernel from answering what comes in")] = True


class Attachment:
    """A packet socket on an interface that the kernel's own stack has been kept off.

    ``close`` undoes everything in reverse. ``socket`` is bound and non-blocking. Of several that share
    an interface by ``fanout`` only the first ``clears`` it, for all.
    """

    def __init__(
        self, interface: str, options: PacketOptions, fanout: Fanout | None = None, *, clears: bool = True
    ) -> None:
        self._netns = options.netns
        self._interface = interface
        self._guard: socket.socket | None = None
        with ExitStack() as undo:
            if clears:
                self._clear(options, undo)
            self.socket = inside(options.netns, partial(_bound, interface, options, fanout))
            undo.callback(self.socket.close)
            self._undo = undo.pop_all()

    def close(self) -> None:
        """Close the socket, give link-local addresses back, remove the guard. Idempotent."""
        self._undo.close()

    def leave(self) -> None:
        """Close this process's descriptors and undo nothing. Idempotent."""
        self._undo.pop_all()
        self.socket.close()
        if self._guard is not None:
            self._guard.close()

    def drops(self) -> int:
        """Frames that the socket had no room for since the last call (PACKET_STATISTICS resets it)."""
        return int(struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1])

    def gone(self) -> bool:
        """Whether the interface was deleted or moved elsewhere, rather than set down.

        A deletion tells the socket of two events, down and then unregistered, in one hold of the
        kernel's RTNL lock. Leaving a group that was never joined takes that lock, so it waits for
        the second (packet_notifier, packet_mc_drop in net/packet/af_packet.c).
        """
        self.socket.setsockopt(SOL_PACKET, PACKET_DROP_MEMBERSHIP, bytes(16))
        return not self.socket.getsockname()[0]

    def _clear(self, options: PacketOptions, undo: ExitStack) -> None:
        from tunnel.netlink import Netlink  # pyroute2 is imported only where it is needed

        with Netlink(options.netns) as netlink:
            addresses = _unused(netlink, self._interface)
            if options.guard:
                self._guard = inside(options.netns, partial(guard, self._interface))
                undo.callback(self._guard.close)
            for address in addresses:
                undo.callback(self._restore, str(address))
                netlink.remove_address(self._interface, str(address))

    def _restore(self, address: str) -> None:
        from tunnel.netlink import Netlink

        try:
            with Netlink(self._netns) as netlink:
                netlink.add_address(self._interface, address)
        except DeviceError as error:
            log.info("%s stays away: %s", address, error)  # the interface or its namespace has gone


def _unused(netlink: Netlink, interface: str) -> list[Interface]:
    """The link-local IPv6 addresses of an interface that has no others; ``DeviceError`` otherwise."""
    addresses = netlink.addresses(interface)
    used = [address for address in addresses if address.version == 4 or not address.is_link_local]
    if used:
        raise DeviceError(
            f"interface {interface} has {', '.join(map(str, used))}: this machine itself answers there. "
            f"Take the addresses away (`ip address flush dev {interface}`), or use an interface without",
            errno.EADDRINUSE,
        )
    return addresses


def _bound(interface: str, options: PacketOptions, fanout: Fanout | None) -> socket.socket:
    # protocol 0: nothing is received before bind, so nothing from other interfaces
    what = f"interface {interface}"
    try:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0)
    except OSError as error:
        advice = "; CAP_NET_RAW is needed" if error.errno == errno.EPERM else ""
        raise DeviceError(f"{what}: {error.strerror}{advice}", error.errno or 0) from error
    try:
        for option in (PACKET_VNET_HDR, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING):
            sock.setsockopt(SOL_PACKET, option, 1)
        widen(sock, what)
        if fanout is not None:
            fanout.close_the_door(sock)
        sock.bind((interface, ETH_P_ALL))
        if fanout is not None:
            fanout.join(sock)
        if options.promiscuous:
            sock.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, _membership(interface))
        if sock.getsockname()[3] != ARPHRD_ETHER:
            raise DeviceError(f"{what}: not Ethernet; a Tun or a Udp may be what is wanted", errno.EINVAL)
    except OSError as error:
        sock.close()
        raise DeviceError(f"{what}: {error.strerror}", error.errno or 0) from error
    except DeviceError:
        sock.close()
        raise
    return sock


def _membership(interface: str) -> bytes:
    """struct packet_mreq; the socket's end ends it."""
    return struct.pack("iHH8x", socket.if_nametoindex(interface), PACKET_MR_PROMISC, 0)
