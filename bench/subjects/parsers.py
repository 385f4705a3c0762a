"""The 5-tuple of every frame: our parser, our Python handler, dpkt, pypacker, scapy.

What ``build`` returns is a ``Clocked``: it takes frames and tells how many nanoseconds it spent on
them. A frame without ports has a shorter tuple; no subject is spared the look.
"""

from __future__ import annotations

import gc
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from time import perf_counter_ns
from typing import Any

from bench.subject import Module, Subject, distribution_version
from bench.subjects.tunnel import Tunnel

Clocked = Callable[[Sequence[bytes]], int]
LAP = 256


class Parser(Subject[Clocked]):
    """Something that parses frames in this process."""

    def build(self, stack: ExitStack) -> Clocked:
        clocked = self.clocked()
        # What the imports have left must not be walked while a subject that allocates is timed.
        gc.collect()
        gc.freeze()
        stack.callback(gc.unfreeze)
        return clocked

    @abstractmethod
    def clocked(self) -> Clocked:
        """Imports what it needs; what it returns is timed."""


class TunnelPythonParser(Tunnel, Parser):
    name = "tunnel-python"
    setting = "native parse, then a Python handler that reads p.five_tuple of every packet"

    def clocked(self) -> Clocked:
        from bench.subjects.reader import Reader

        return _timed_laps(Reader().process)


class TunnelParser(Tunnel, Parser):
    name = "tunnel-native"
    setting = "the parser's pass over batches of 256"

    def clocked(self) -> Clocked:
        return _timed_laps(lambda _batch: None)


class LibraryParser(Parser):
    """A library called once a frame."""

    distribution: str

    def clocked(self) -> Clocked:
        five_tuple = self.reader()

        def clocked(frames: Sequence[bytes]) -> int:
            began = perf_counter_ns()
            for frame in frames:
                five_tuple(frame)
            return perf_counter_ns() - began

        return clocked

    def version(self) -> str:
        return distribution_version(self.distribution)

    @abstractmethod
    def reader(self) -> Callable[[bytes], object]:
        """Imports the library; what it returns gives addresses, protocol and ports, or None."""


class Dpkt(LibraryParser):
    name = distribution = "dpkt"
    setting = "dpkt.ethernet.Ethernet(frame)"
    needs = (Module("dpkt", "pip install dpkt"),)

    def reader(self) -> Callable[[bytes], object]:
        from dpkt.ethernet import Ethernet
        from dpkt.tcp import TCP
        from dpkt.udp import UDP

        def five_tuple(frame: bytes) -> object:
            ip = Ethernet(frame).data
            l4 = getattr(ip, "data", None)
            return (ip.src, ip.dst, ip.p, l4.sport, l4.dport) if isinstance(l4, (TCP, UDP)) else None

        return five_tuple


class Pypacker(LibraryParser):
    name = distribution = "pypacker"
    setting = "pypacker's Ethernet(frame), parsed lazily up to the ports"
    needs = (Module("pypacker", "pip install pypacker"),)

    def reader(self) -> Callable[[bytes], object]:
        from pypacker.layer4.tcp import TCP
        from pypacker.layer4.udp import UDP
        from pypacker.layer12.ethernet import Ethernet

        def five_tuple(frame: bytes) -> object:
            ip = Ethernet(frame).upper_layer
            l4 = ip.upper_layer
            return (ip.src, ip.dst, type(l4), l4.sport, l4.dport) if isinstance(l4, (TCP, UDP)) else None

        return five_tuple


class Scapy(LibraryParser):
    name = distribution = "scapy"
    setting = "scapy.layers.l2.Ether(frame)"
    needs = (Module("scapy", "pip install scapy"),)

    def reader(self) -> Callable[[bytes], object]:
        from scapy.layers.inet import IP, TCP, UDP
        from scapy.layers.inet6 import IPv6
        from scapy.layers.l2 import Ether

        def five_tuple(frame: bytes) -> object:
            packet = Ether(frame)
            ip = packet.getlayer(IP) or packet.getlayer(IPv6)
            l4 = packet.getlayer(TCP) or packet.getlayer(UDP)
            return (ip.src, ip.dst, l4.name, l4.sport, l4.dport) if ip and l4 else None

        return five_tuple


def _timed_laps(process: Callable[[Any], None]) -> Clocked:
    """Times parse and ``process`` over batches of 256.

    All batches are laid before the first is timed: a frame that was laid just now has had its
    branches learnt (filling a batch parses it too), which no receiving device does.
    """
    from tunnel import Batch

    def clocked(frames: Sequence[bytes]) -> int:
        batches = [Batch.of(frames[start : start + LAP]) for start in range(0, len(frames), LAP)]
        spent = 0
        for batch in batches:
            began = perf_counter_ns()
            batch.parse()
            process(batch)
            spent += perf_counter_ns() - began
        return spent

    return clocked
