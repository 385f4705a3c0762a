"""A handler between two Memory devices, to be timed a breath at a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.devices.memory import Memory
from tunnel.handler import Handler
from tunnel.plan import Plan

COUNT = 1024  # frames a breath: sixteen receives


class Path:
    """``handlers`` in a row, each from its first port to its second."""

    def __init__(self, *handlers: Handler) -> None:
        self.inside, self.source = Memory.pair(limit=1 << 26)
        outside, self.sink = Memory.pair(limit=1 << 26)
        for device in (self.inside, self.source, outside, self.sink):
            device.open()
        row: list[Handler | Device] = [self.inside, *handlers, outside]
        joints = [(a, int(a is not self.inside), b, 0) for a, b in pairwise(row)]
        self.plan = Plan(handlers, [self.inside, outside], joints, strict=True)

    def laid(self, frames: Sequence[bytes]) -> tuple[tuple[()], dict[str, object]]:
        """Empty the end of the path and fill its beginning: the setup of a round."""
        batch = Batch()
        while self.sink.recv(batch):
            batch.clear()
        for number in range(0, COUNT, 256):
            batch = Batch.of(frames)
            assert self.source.send(batch) == 256, number
        return (), {}

    def breathe(self) -> None:
        """All that was laid, through to the other end."""
        while self.plan.breathe(self.inside, 0):
            pass
