"""What the kernel dropped in the namespace of a socket: at its interfaces, and in IP, UDP and TCP.

These are counters of everybody there; a device's own are ``Device.kernel_drops``. Opened once by a thread
that stands in the namespace; read later from anywhere, without any right: an open file under /proc/net, and
a netlink socket, keep showing the namespace they were opened in (as the device's own socket does, they keep
it alive).
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from weakref import WeakValueDictionary, finalize

from tunnel.counters import NamespaceDrops
from tunnel.devices.link_counters import SIOCGSKNS, LinkCounters, namespace
from tunnel.errors import DeviceError
from tunnel.netns import inside

log = logging.getLogger(__name__)

READ = 1 << 16  # bytes; more than the kernel writes into these files
SPAN = 1 << 64

# Of /proc/net/snmp and snmp6 (RFC 4293, RFC 4113; linux/snmp.h): what tells of a packet that was lost.
UDP = ("NoPorts", "InErrors", "RcvbufErrors", "SndbufErrors", "InCsumErrors", "MemErrors")
IP = ("InHdrErrors", "InAddrErrors", "InDiscards", "OutDiscards", "OutNoRoutes", "ReasmFails", "FragFails")
PROTOCOLS = {
    "Ip": IP,
    "Ip6": (*IP, "InTooBigErrors", "InNoRoutes", "InTruncatedPkts"),
    "Udp": UDP,
    "Udp6": UDP,
    "Tcp": ("InErrs", "InCsumErrors"),
}
Values = dict[str, dict[str, int]]


class NamespaceCounters:
    """The counters of the calling thread's namespace, from now on."""

    def __init__(self) -> None:
        self.label = f"net:[{namespace()[1]}]"
        self._files: list[int] = []
        with ExitStack() as ends:
            self._links = LinkCounters()
            ends.callback(self._links.close)
            for name in ("snmp", "snmp6"):
                with suppress(FileNotFoundError):  # a kernel without IPv6
                    self._files.append(os.open(f"/proc/thread-self/net/{name}", os.O_RDONLY | os.O_CLOEXEC))
                    ends.callback(os.close, self._files[-1])
            self._links_before = {link.number: link for link in self._links.all()}
            self._before = self._protocols()
            finalize(self, ends.pop_all().close)  # with the last device there

    def read(self) -> NamespaceDrops:
        """What every counter rose by. Raises ``OSError``."""
        return {"interfaces": self._interfaces(), "protocols": self._risen()}

    def _interfaces(self) -> Values:
        """An interface that was not there before began with 0."""
        found = {}
        for link in self._links.all():
            before = self._links_before.get(link.number)
            rx, tx = (before.rx_dropped, before.tx_dropped) if before else (0, 0)
            found[link.name] = {
                "rx_dropped": (link.rx_dropped - rx) % SPAN,
                "tx_dropped": (link.tx_dropped - tx) % SPAN,
            }
        return found

    def _risen(self) -> Values:
        return {
            protocol: {name: (value - self._before[protocol][name]) % SPAN for name, value in values.items()}
            for protocol, values in self._protocols().items()
        }

    def _protocols(self) -> Values:
        texts = [os.pread(file, READ, 0).decode() for file in self._files]
        every = {name: value for text in texts for name, value in _read(text)}
        wanted = {
            protocol: {name: every[protocol + name] for name in names if protocol + name in every}
            for protocol, names in PROTOCOLS.items()
        }
        return {protocol: values for protocol, values in wanted.items() if values}


class Surroundings:
    """The namespace counters of one device: read while it is open, kept when it is closed."""

    def __init__(self) -> None:
        self._counters: NamespaceCounters | None = None
        self._found: dict[str, NamespaceDrops | None] = {}

    def start(self, netns: str | int | None, name: str) -> None:
        """The device ``name`` opened a socket in ``netns`` (None: here)."""
        self._begin(partial(inside, netns, here), name)

    def start_at(self, fd: int, name: str) -> None:
        """The device ``name`` was given a socket that somebody opened somewhere; needs CAP_NET_ADMIN there."""
        self._begin(partial(_where, fd), name)

    def read(self) -> dict[str, NamespaceDrops | None]:
        """By the namespace's name, ``net:[inode]``; None where they cannot be read."""
        if self._counters is not None:
            try:
                self._found = {self._counters.label: self._counters.read()}
            except OSError as error:
                log.debug("the counters of %s cannot be read: %s", self._counters.label, error)
        return self._found

    def stop(self) -> None:
        """The device closes."""
        self.read()
        self._counters = None

    def _begin(self, find: Callable[[], NamespaceCounters], name: str) -> None:
        try:
            self._counters = find()
        except (OSError, DeviceError) as error:
            log.debug("%s: the counters of its namespace cannot be read: %s", name, error)
            self._found = {f"namespace of {name}": None}


_opened: WeakValueDictionary[tuple[int, int], NamespaceCounters] = WeakValueDictionary()


def here() -> NamespaceCounters:
    """Those of the calling thread's namespace: one object for all devices there, since the first opened."""
    found = _opened.get(namespace())
    if found is None:
        found = _opened[namespace()] = NamespaceCounters()
    return found


def _where(fd: int) -> NamespaceCounters:
    """Those of the namespace of a socket."""
    where = fcntl.ioctl(fd, SIOCGSKNS)
    try:
        found = os.fstat(where)
        return here() if (found.st_dev, found.st_ino) == namespace() else inside(where, here)
    finally:
        os.close(where)


def _read(text: str) -> list[tuple[str, int]]:
    """``UdpNoPorts`` and its value, and so on: snmp has a line of names above each of values, snmp6 pairs."""
    lines = [line.split() for line in text.splitlines()]
    if lines and not lines[0][0].endswith(":"):
        return [(name, int(value)) for name, value in lines]
    found = []
    for names, values in zip(lines[::2], lines[1::2], strict=False):
        protocol = names[0].rstrip(":")
        found += [(protocol + name, int(value)) for name, value in zip(names[1:], values[1:], strict=True)]
    return found
