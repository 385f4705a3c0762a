"""The graph that the fuzzer's packets go through: handlers on the real data path, the law closed each time."""

from __future__ import annotations

from tests.fuzz.seeds import DATAGRAM, ETHERNET, IP
from tunnel.batch import Batch
from tunnel.counters import imbalance
from tunnel.devices.memory import Memory
from tunnel.handlers.echo import Echo
from tunnel.handlers.tee import Tee
from tunnel.handlers.udp_tunnel import UdpTunnel
from tunnel.plan import Plan

ALL = 0x67  # every feature of tunnel.packet
PEER = "192.0.2.2:9000"
ROUND_NS = 1_000_000


class Graph:
    """A TAP's frames through Tee to Echo; a TUN's packets through UdpTunnel, and to an Echo of their own."""

    def __init__(self) -> None:
        tee, echo, ping, tunnel = Tee(), Echo(reflect_udp=True), Echo(reflect_udp=True), UdpTunnel(peer=PEER)
        self.handlers = [tee, echo, ping, tunnel]
        self.tap, self.tun, self.host = _end(ETHERNET, ALL), _end(IP, ALL), _end(IP, ALL)
        self.copy, self.wan = _end(ETHERNET, 0), _end(DATAGRAM, 0)
        self.ends = [self.tap, self.tun, self.host, self.copy, self.wan]
        tap, tun, host, copy, wan = (inside for _, inside in self.ends)
        overlay, underlay = tunnel.ports.index("overlay"), tunnel.ports.index("underlay")
        side, through, copied = (tee.ports.index(port) for port in ("a", "b", "copy"))
        self.plan = Plan(self.handlers, [tap, tun, host, copy, wan], [
            (tap, 0, tee, side), (tee, side, tap, 0), (tee, through, echo, 0), (echo, 0, tee, through),
            (tee, copied, copy, 0), (host, 0, ping, 0), (ping, 0, host, 0),
            (tun, 0, tunnel, overlay), (tunnel, overlay, tun, 0),
            (tunnel, underlay, wan, 0), (wan, 0, tunnel, underlay),
        ], strict=True)  # fmt: skip
        self.now_ns = ROUND_NS
        self.out = 0
        for handler in self.handlers:
            handler.opened(self.now_ns)

    def __call__(self, frames: Batch, packets: Batch, datagrams: Batch) -> None:
        """One round: each batch into its devices, everything out again, nobody owes a packet."""
        self.now_ns += ROUND_NS
        for batch, ends in ((frames, [self.tap]), (packets, [self.tun, self.host]), (datagrams, [self.wan])):
            for outside, inside in ends:
                assert outside.send(batch) == len(batch)
                while self.plan.breathe(inside, self.now_ns):
                    pass
        self.plan.tick(self.now_ns)
        self._drain()
        for handler in self.handlers:
            assert imbalance(handler.counts()) == 0, f"{handler.name}: {handler.counts()}"

    def _drain(self) -> None:
        batch = Batch()
        for outside, _ in self.ends:
            while outside.recv(batch):
                self.out += len(batch)
                batch.clear()


def _end(medium: int, carries: int) -> tuple[Memory, Memory]:
    outside, inside = Memory.pair(medium=medium, brings=carries, accepts=carries)
    outside.open()
    inside.open()
    return outside, inside
