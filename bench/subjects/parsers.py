"""The 5-tuple of every frame: our parser, our Python handler, dpkt, pypacker, scapy.

What ``build`` returns is a ``Clocked``: it takes frames and tells how many nanoseconds it spent on
them. A frame without ports has no tuple; no subject is spared the look.
"""

from __future__ import annotations

import gc
import importlib.metadata
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from time import perf_counter_ns
from typing import TYPE_CHECKING

from bench.subject import Module, Subject
from bench.subjects.tunnel import ours

if TYPE_CHECKING:
    from tunnel import Batch

Clocked = Callable[[Sequence[bytes]], int]
Look = Callable[[bytes], object]
LAP = 256


def dpkt() -> Look:
    """dpkt parses all of a frame at once."""
    from dpkt.ethernet import Ethernet
    from dpkt.tcp import TCP
    from dpkt.udp import UDP

    def five_tuple(frame: bytes) -> object:
        ip = Ethernet(frame).data
        l4 = getattr(ip, "data", None)
        return (ip.src, ip.dst, ip.p, l4.sport, l4.dport) if isinstance(l4, (TCP, UDP)) else None

    return five_tuple


def pypacker() -> Look:
    """pypacker parses a layer when it is asked for."""
    from pypacker.layer4.tcp import TCP
    from pypacker.layer4.udp import UDP
    from pypacker.layer12.ethernet import Ethernet

    def five_tuple(frame: bytes) -> object:
        ip = Ethernet(frame).upper_layer
        l4 = ip.upper_layer
        return (ip.src, ip.dst, type(l4), l4.sport, l4.dport) if isinstance(l4, (TCP, UDP)) else None

    return five_tuple


def scapy() -> Look:
    """scapy parses all of a frame at once."""
    from scapy.layers.inet import IP, TCP, UDP
    from scapy.layers.inet6 import IPv6
    from scapy.layers.l2 import Ether

    def five_tuple(frame: bytes) -> object:
        packet = Ether(frame)
        ip = packet.getlayer(IP) or packet.getlayer(IPv6)
        l4 = packet.getlayer(TCP) or packet.getlayer(UDP)
        return (ip.src, ip.dst, l4.name, l4.sport, l4.dport) if ip and l4 else None

    return five_tuple


def reader() -> Callable[[Batch], None]:
    """Our handler in Python that reads ``five_tuple`` of each packet."""
    from bench.subjects.reader import Reader

    return Reader().process


def nobody() -> Callable[[Batch], None]:
    """What leaves the parser alone with the clock."""
    return lambda _batch: None


def one_by_one(library: Callable[[], Look]) -> Callable[[ExitStack], Clocked]:
    """A ``build``: the library is called once a frame."""

    def build(stack: ExitStack) -> Clocked:
        five_tuple = library()
        _freeze(stack)

        def clocked(frames: Sequence[bytes]) -> int:
            began = perf_counter_ns()
            for frame in frames:
                five_tuple(frame)
            return perf_counter_ns() - began

        return clocked

    return build


def by_batch(handler: Callable[[], Callable[[Batch], None]]) -> Callable[[ExitStack], Clocked]:
    """A ``build``: parse and handler are timed over batches of 256.

    All batches are laid before the first is timed: a frame that was laid just now has had its
    branches learnt (filling a batch parses it too), which no receiving device does.
    """

    def build(stack: ExitStack) -> Clocked:
        from tunnel import Batch

        process = handler()
        _freeze(stack)

        def clocked(frames: Sequence[bytes]) -> int:
            batches = [Batch.of(frames[start : start + LAP]) for start in range(0, len(frames), LAP)]
            return sum(_timed(batch, process) for batch in batches)

        return clocked

    return build


def _timed(batch: Batch, process: Callable[[Batch], None]) -> int:
    began = perf_counter_ns()
    batch.parse()
    process(batch)
    return perf_counter_ns() - began


def _freeze(stack: ExitStack) -> None:
    """Keep what the imports left from being walked while a subject that allocates is timed."""
    gc.collect()
    gc.freeze()
    stack.callback(gc.unfreeze)


def _library(name: str, setting: str, look: Callable[[], Look]) -> Subject[Clocked]:
    return Subject(
        name=name,
        setting=setting,
        build=one_by_one(look),
        version=lambda: importlib.metadata.version(name),
        needs=(Module(name, f"pip install {name}"),),
    )


TUNNEL_PYTHON = ours(
    "tunnel-python",
    "native parse, then a Python handler that reads p.five_tuple of every packet",
    by_batch(reader),
)
TUNNEL_NATIVE = ours(
    "tunnel-native",
    "the parser's pass over batches of 256",
    by_batch(nobody),
)
DPKT = _library("dpkt", "dpkt.ethernet.Ethernet(frame)", dpkt)
PYPACKER = _library("pypacker", "Ethernet(frame), parsed lazily up to the ports", pypacker)
SCAPY = _library("scapy", "scapy.layers.l2.Ether(frame)", scapy)
