"""Sends packets round and prints, as JSON, what memory that took.

Arguments: ``echo`` or ``tunnel``, packets a breath, packets before the first look, packets between the two.
"""

from __future__ import annotations

import ctypes
import json
import resource
import sys
from pathlib import Path

from scapy.layers.inet import ICMP, IP, TCP

from tunnel import Batch, packet
from tunnel.devices.memory import Memory
from tunnel.devices.udp import Udp
from tunnel.handlers.echo import Echo
from tunnel.handlers.udp_tunnel import UdpTunnel
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


class End:
    """A host, and the tunnel between it and a socket; the host takes super-packets."""

    def __init__(self) -> None:
        self.host, self.tun = Memory.pair(medium=packet.IP, brings=packet.F_ALL, accepts=packet.F_ALL)
        self.wan = Udp(listen="127.0.0.1:0")
        for device in (self.host, self.tun, self.wan):
            device.open()

    def join(self, other: End) -> None:
        """Make the tunnel to the other end."""
        tunnel = UdpTunnel(peer=f"127.0.0.1:{other.wan.address[1]}")
        links = [(self.tun, 0, tunnel, 0), (tunnel, 0, self.tun, 0), (tunnel, 1, self.wan, 0), (self.wan, 0, tunnel, 1)]
        self.plan = Plan([tunnel], [self.tun, self.wan], links, strict=True)


class Tunnelling:
    """Segments of one TCP flow: there as a run, joined, and back: cut, as a run, joined."""

    def __init__(self, packets: int) -> None:
        self.near, self.far = End(), End()
        self.near.join(self.far)
        self.far.join(self.near)
        self.requests, self.replies = Batch(), Batch()
        for number in range(packets):
            segment = IP(src="192.0.2.1", dst="192.0.2.2", id=number) / TCP(seq=number * 1000, flags="A") / bytes(1000)
            self.requests.emit(bytes(segment), medium=packet.IP)

    def run(self, breaths: int) -> int:
        """How many segments came back."""
        returned = 0
        for now_ns in range(1, breaths + 1):
            self.near.host.send(self.requests)
            for one, other in ((self.near, self.far), (self.far, self.near)):
                one.plan.breathe(one.tun, now_ns)
                other.plan.breathe(other.wan, now_ns)
                other.host.recv(self.replies)
                if other is self.far:
                    other.host.send(self.replies)
                    self.replies.clear()
            returned += sum(one.segments for one in self.replies)
            self.replies.clear()
        return returned


def main(what: str, packets: int, before: int, between: int) -> None:
    """Run to the first look, then to the second."""
    round_trip = Echoing(packets) if what == "echo" else Tunnelling(packets)
    round_trip.run(before // packets)
    look()
    first = look()
    returned = round_trip.run(between // packets)
    second = look()
    print(json.dumps({"returned": returned, "first": first, "second": second}))


main(sys.argv[1], *map(int, sys.argv[2:]))
