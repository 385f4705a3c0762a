"""``tunnel-wg`` with a handler that only remembers: no packet gets through. ``python -m tests.netns.wg_stand_in``"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import ClassVar

from tests.unit.protocols.wireguard.uapi_device import Device
from tunnel.batch import Batch
from tunnel.handler import Handler
from tunnel.packet import DATAGRAM, IP
from tunnel.wg.program import main


class StandIn(Device, Handler):
    """``tunnel.wg.interface.Tunnel``."""

    ports = ("overlay", "underlay")
    media: ClassVar = {"overlay": IP, "underlay": DATAGRAM}
    overhead = 32
    key_log: Callable[[str], None] | None = None

    def __init__(self) -> None:
        Device.__init__(self)
        self.mtu = 0

    def process(self, batch: Batch) -> None:
        """Everything is dropped."""

    def up(self, now_ns: int) -> None:
        if self.key_log:
            self.key_log("PRESHARED_KEY = AAAA")

    def down(self) -> None:
        """There is nothing to erase."""

    def forget_sources(self) -> None:
        """There are none."""


if __name__ == "__main__":
    sys.exit(main(make=StandIn))
