"""Echoes packets between Memory devices and prints, as JSON, what memory that took.

Arguments: packets a breath, packets before the first look, packets between the two looks.
"""

from __future__ import annotations

import ctypes
import json
import resource
import sys
from pathlib import Path

from scapy.layers.inet import ICMP, IP

from tunnel import Batch, packet
from tunnel.devices.memory import Memory
from tunnel.handlers.echo import Echo
from tunnel.plan import Plan

calls = ctypes.CDLL(None).allocation_calls
calls.restype = ctypes.c_uint64


def look() -> dict[str, int]:
    """Calls of the allocator, Python's blocks, resident bytes."""
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    return {"resident": resident, "blocks": sys.getallocatedblocks(), "calls": calls()}


class Echoing:
    """One batch of echo requests, sent again and again through the native handler."""

    def __init__(self, packets: int) -> None:
        self.outside, inside = Memory.pair(medium=packet.IP)
        handler = Echo()
        self.inside = inside
        self.plan = Plan([handler], [inside], [(inside, 0, handler, 0), (handler, 0, inside, 0)], strict=True)
        self.requests, self.replies = Batch(), Batch()
        for number in range(packets):
            request = IP(src="192.0.2.1", dst="192.0.2.2") / ICMP(seq=number) / bytes(number)
            self.requests.emit(bytes(request), medium=packet.IP)
        self.outside.open()
        inside.open()

    def run(self, breaths: int) -> int:
        """How many replies came back."""
        returned = 0
        for now_ns in range(1, breaths + 1):
            self.outside.send(self.requests)
            self.plan.breathe(self.inside, now_ns)
            returned += self.outside.recv(self.replies)
            self.replies.clear()
        return returned


def main(packets: int, before: int, between: int) -> None:
    """Run to the first look, then to the second."""
    echoing = Echoing(packets)
    echoing.run(before // packets)
    look()
    first = look()
    returned = echoing.run(between // packets)
    second = look()
    print(json.dumps({"returned": returned, "first": first, "second": second}))


main(*map(int, sys.argv[1:]))
