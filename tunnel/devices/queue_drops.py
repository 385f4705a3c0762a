"""What a TUN or TAP dropped because its queue was full: ``tx_dropped`` of the interface, wherever it is now."""

from __future__ import annotations

import fcntl
import logging
import os

from tunnel.devices.link_counters import LinkCounters
from tunnel.devices.since import Since
from tunnel.devices.tun_ioctl import TUNGETDEVNETNS, identity
from tunnel.errors import DeviceError

log = logging.getLogger(__name__)


class QueueDrops:
    """Counts over all openings of one device; asked by the descriptor of its queue."""

    def __init__(self) -> None:
        self._links: LinkCounters | None = None
        self._counted = Since(64)
        self._home: int | None = None

    def start(self, fd: int, *, inherited: bool) -> None:
        """The device opens, in the calling thread's namespace, unless its descriptor is ``inherited``."""
        try:
            self._links = LinkCounters()
            self._home = None if inherited else self._links.one(identity(fd)[0]).number
        except (OSError, DeviceError) as error:
            log.debug("descriptor %d: %s", fd, error)
        self._counted.start(self._reading(fd))

    def total(self, fd: int) -> int | None:
        """Packets since it was first opened, without the times when it was closed; None: not to be read."""
        return self._counted.total(self._reading(fd) if self._links else None)

    def stop(self, fd: int) -> None:
        """Before the descriptor is closed."""
        if self._links:
            self._counted.stop(self._reading(fd))
            self._links.close()
            self._links = None

    def _reading(self, fd: int) -> int | None:
        """None where the interface is gone, or where no right is had to ask for it."""
        if self._links is None:
            return None
        try:
            return self._asked(self._links, fd)
        except (OSError, DeviceError) as error:
            log.debug("tx_dropped of descriptor %d cannot be read: %s", fd, error)
            return None

    def _asked(self, links: LinkCounters, fd: int) -> int | None:
        """Without CAP_NET_ADMIN nobody tells where it is: then it must still be where it was opened."""
        name = identity(fd)[0]
        try:
            where = fcntl.ioctl(fd, TUNGETDEVNETNS)
        except OSError:
            found = links.one(name)
            return found.tx_dropped if found.number == self._home else None
        try:
            return links.one(name, where).tx_dropped
        finally:
            os.close(where)
