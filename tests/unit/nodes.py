"""Devices and handlers of the graph tests; graph files find them by ``nodes.py:Class``."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.errors import ConfigError
from tunnel.handler import Handler

ETHERNET, IP = 1, 2


class Cable(Device):
    """A device with options of its own, of any medium."""

    class Options(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
        """What the table of a cable may hold."""

        mtu: Annotated[int, msgspec.Meta(ge=68, le=65535, description="bytes")] = 1500
        address: list[str] = []
        medium: int = IP

    def __init__(self, **given: Any) -> None:
        options = self.Options(**given)
        super().__init__()
        self.medium = options.medium
        if "bad" in options.address:
            raise ConfigError("address: found bad, expected an address with prefix length")

    def recv(self, _batch: object) -> int:
        """Brings nothing."""
        return 0

    def send(self, batch: Batch) -> int:
        """Takes everything."""
        return len(batch)


class Two(Handler):
    """A handler with two ports and arguments in its constructor."""

    ports = ("left", "right")
    media: ClassVar = {"left": IP, "right": None}

    def __init__(self, *, gain: float = 1.0, label: str = "") -> None:
        self.gain, self.label = gain, label
        if gain < 0:
            raise ValueError("gain is negative")
        if gain == 13:
            raise ValueError("thirteen")

    def process(self, batch: object) -> None:
        """Drops everything."""


class One(Handler):
    """A handler with one port."""

    ports = ("in",)

    def process(self, batch: object) -> None:
        """Drops everything."""


class Mute(Handler):
    """Overrides nothing."""
