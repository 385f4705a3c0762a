"""A device that refuses some super-packets, as a kernel may, and what it is fed with."""

from __future__ import annotations

from tests.unit.offload.flows import FULL, tcp
from tests.unit.rig import Rig
from tunnel.batch import Batch
from tunnel.device import Device
from tunnel.devices.memory import Memory
from tunnel.handler import Handler
from tunnel.offload.claim import needs
from tunnel.packet import F_ALL

MACS = bytes.fromhex("020000000001020000000002")


def framed(packets: list[bytes]) -> list[bytes]:
    """IPv4 packets in frames."""
    return [MACS + b"\x08\0" + packet for packet in packets]


def stream(count: int, start: int = 0, size: int = FULL) -> list[bytes]:
    """Frames of a TCP flow without a gap."""
    return framed([tcp((start + i) * size, size) for i in range(count)])


class Kernel(Device):
    """Takes ``room`` packets, and refuses what carries a feature of ``refuses``: then it accepts it no more."""

    def __init__(self, accepts: int = F_ALL, refuses: int = 0, room: int = 1 << 20) -> None:
        self.medium, self.accepts, self.refuses, self.room = 1, accepts, refuses, room
        self.sent = list[tuple[int, bytes]]()
        self.sequences = list[int]()
        self.asked = 0

    def recv(self, batch: Batch) -> int:
        return 0

    def send(self, batch: Batch) -> int:
        self.asked += 1
        for i, p in enumerate(batch):
            refused = needs(p) & self.refuses
            if self.room == 0 or refused:
                self.accepts &= ~refused
                return i
            self.room -= 1
            self.sent.append((p.segments, p.payload))
            self.sequences.append(int.from_bytes(p.data[38:42], "big"))
        return len(batch)

    @property
    def stream(self) -> bytes:
        """What was sent, in order."""
        return b"".join(payload for _, payload in self.sent)


def fed(handler: Handler, device: Device, brings: int) -> Rig:
    """A Memory that brings ``brings``, the handler, the device."""
    inside, outside = Memory.pair(brings=brings, accepts=brings)
    outside.open()
    rig = Rig("source -> h.a", "h.b -> sink", h=handler, source=inside, sink=device)
    rig.outside["source"] = outside
    return rig
