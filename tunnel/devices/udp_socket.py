"""Options of a ``Udp`` device, how its socket is opened from them, and its methods that need no speed (``self``)."""

from __future__ import annotations

import errno
import socket
import struct
from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from tunnel import endpoints
from tunnel import offloads as switches
from tunnel.devices.socket_buffers import widen
from tunnel.errors import ConfigError, DeviceError
from tunnel.netns import inside

if TYPE_CHECKING:
    from tunnel.devices.udp import Udp

# linux/in.h, linux/in6.h, linux/udp.h, asm-generic/socket.h; not in Python's socket module
SO_MEMINFO = 55
UDP_SEGMENT, UDP_GRO = 103, 104
IP_MTU_DISCOVER, IP_PKTINFO, IP_RECVTOS = 10, 8, 13
IPV6_MTU_DISCOVER = 23
PMTUDISC_DO = 2

ADVICE = {
    errno.EADDRINUSE: "another socket has this port; `ss -ulpn` shows whose, `reuse_port` shares it",
    errno.EADDRNOTAVAIL: "no interface here has this address; `ip address` shows them",
    errno.EACCES: "ports below 1024 need CAP_NET_BIND_SERVICE",
    errno.EAFNOSUPPORT: "this system has the address family switched off",
    errno.EPERM: "CAP_NET_ADMIN is needed",
}


class UdpOptions(Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What a ``Udp`` is made from; the keys of its table in a graph file."""

    listen: Annotated[str, Meta(description='"0.0.0.0:9000", or "[::]:9000" for both families')] = ""
    fd: Annotated[int, Meta(ge=0, description="instead of listen: an inherited, bound socket")] | None = None
    netns: Annotated[str | int | None, Meta(description="open it in there: name, path or fd")] = None
    mark: Annotated[int, Meta(ge=0, le=0xFFFFFFFF, description="firewall mark of what is sent")] | None = None
    dont_fragment: Annotated[bool, Meta(description="set DF; larger than the path: TOO_BIG")] = False
    reuse_port: Annotated[bool, Meta(description="let several sockets share the port, by flow")] = False


class SharedPort:
    """One port for the sockets of several workers: the first to open takes it, the others join it."""

    number = 0  # once it is taken


def sharing(self: Udp, count: int) -> list[Udp]:
    """``count`` devices like this one that share its port (SO_REUSEPORT): the kernel keeps to one for one sender.

    ``ConfigError`` where it is an inherited socket.
    """
    if self.options.fd is not None:
        raise ConfigError(f"{self.name}: an inherited socket is one, expected workers = 1, or `listen`")
    port, made = SharedPort(), [type(self)(**asdict(self.options)) for _ in range(count)]
    for queue in made:
        queue.port = port
    return made


def bind_ahead(self: Udp, listen: str) -> None:
    """The address that the next ``open`` takes. Of an open device it is bound at once, while the old one still serves.

    So the way over is ``rebind``, ``close``, ``open``. ``ConfigError`` or ``DeviceError``: nothing has changed.
    """
    options = check_options(replace(self.options, listen=listen, fd=None))
    self.ahead = open_udp(options, self.port) if self.socket else None
    self.options = options


def mark(self: Udp, number: int) -> None:
    """Firewall mark of what is sent from now on, 0 for none. ``OSError``: nothing has changed."""
    for sock in (self.socket, self.ahead):
        if sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack("=I", number))
    self.options = replace(self.options, mark=number or None)


def opened(device: Udp) -> socket.socket:
    """The socket that was bound ahead, or a new one: see ``open_udp``."""
    ahead, device.ahead = device.ahead, None
    return ahead or open_udp(device.options, device.port)


def check_options(options: UdpOptions) -> UdpOptions:
    """The options; ``ConfigError`` where they do not name one socket."""
    if (options.fd is None) == (not options.listen):
        raise ConfigError("udp: either listen or fd was expected")
    if options.listen:
        endpoints.parse(options.listen)
    return options


def open_udp(options: UdpOptions, shared: SharedPort | None = None) -> socket.socket:
    """The bound, non-blocking socket that ``options`` describe, or ``DeviceError``.

    An inherited ``fd`` belongs to the returned socket.
    """
    where = f"udp {options.listen or f'fd {options.fd}'}"
    bound = partial(_bound, options, shared)
    try:
        sock = _inherited(options.fd) if options.fd is not None else inside(options.netns, bound)
    except OSError as error:
        raise _refused(where, error) from error
    try:
        _ask_for_news(sock)
        _limit(sock, options)
        widen(sock, where)
    except OSError as error:
        sock.close()
        raise _refused(where, error) from error
    return sock


def offloads(sock: socket.socket) -> tuple[bool, bool, bool]:
    """Whether ``gso``, ``gro`` and ``mmsg`` may be used and the kernel has them; GRO is then on.

    Both options are set either way: on an inherited socket they may have been otherwise.
    """
    gso = _takes(sock, UDP_SEGMENT, 0) and switches.allowed("gso")
    allowed = switches.allowed("gro")
    gro = _takes(sock, UDP_GRO, int(allowed)) and allowed
    return gso, gro, switches.allowed("mmsg")


def _takes(sock: socket.socket, option: int, value: int) -> bool:
    try:
        sock.setsockopt(socket.IPPROTO_UDP, option, value)
    except OSError:
        return False  # before Linux 4.18 and 5.0
    return True


def drops(sock: socket.socket) -> int:
    """Datagrams that the kernel dropped at this socket, modulo 2**32.

    It is the counter that SO_RXQ_OVFL sends along with the next datagram; asked for by SO_MEMINFO
    it also tells of drops that no datagram followed. Ninth word: SK_MEMINFO_DROPS.
    """
    return int(struct.unpack("9I", sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))[8])


def _refused(where: str, error: OSError) -> DeviceError:
    advice = ADVICE.get(error.errno or 0)
    return DeviceError(f"{where}: {error.strerror}" + (f"; {advice}" if advice else ""), error.errno or 0)


def _bound(options: UdpOptions, shared: SharedPort | None) -> socket.socket:
    address, port = endpoints.parse(options.listen)
    if shared and shared.number:
        port = shared.number
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        if options.reuse_port or (shared and shared.number):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # getaddrinfo only to turn a zone (fe80::1%eth0) into its number
        numeric = socket.AI_NUMERICHOST
        sock.bind(socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM, flags=numeric)[0][4])
        if shared and not shared.number:
            # Only now: were it set before, a port that somebody else shares would be no error.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            shared.number = sock.getsockname()[1]
    except OSError:
        sock.close()
        raise
    return sock


def _inherited(fd: int) -> socket.socket:
    sock = socket.socket(fileno=fd)
    if sock.type != socket.SOCK_DGRAM or sock.family not in (socket.AF_INET, socket.AF_INET6):
        sock.detach()
        raise DeviceError(f"udp fd {fd}: a UDP socket was expected")
    sock.setblocking(False)
    return sock


def _ask_for_news(sock: socket.socket) -> None:
    """Let each datagram tell its local address, interface and ToS.

    The IPv4 options also hold for IPv4 datagrams on an IPv6 socket.
    """
    sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    sock.setsockopt(socket.IPPROTO_IP, IP_RECVTOS, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)


def _limit(sock: socket.socket, options: UdpOptions) -> None:
    if options.mark is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack("=I", options.mark))
    if options.dont_fragment:
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_DO)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_DO)
