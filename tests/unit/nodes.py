"""Devices and handlers of the graph tests, found by ``file.py:Class``."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from tunnel.device import Device
from tunnel.errors import ConfigError
from tunnel.handler import Handler


class Wire(Device):
    """A device with options of its own."""

    class Options(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
        mtu: Annotated[int, msgspec.Meta(ge=68, le=65535, description="bytes")] = 1500
        address: list[str] = []

    def __init__(self, **given: Any) -> None:
        self.options = self.Options(**given)
        if "bad" in self.options.address:
            raise ConfigError("address: found bad, expected CIDR")


class Two(Handler):
    """A handler with two ports and arguments in its constructor."""

    ports = ("left", "right")

    def __init__(self, *, gain: float = 1.0, label: str = "") -> None:
        self.gain, self.label = gain, label
        if gain < 0:
            raise ValueError("gain is negative")

    def process(self, batch: object) -> None:
        """Drops everything."""


class One(Handler):
    """A handler with one port, called in."""

    ports = ("in",)

    def process(self, batch: object) -> None:
        """Drops everything."""


class Mute(Handler):
    """Overrides nothing."""
