"""Runs a textual case: see README."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scapy.layers import inet, inet6, l2
from scapy.packet import Raw

from tunnel import endpoints, registry
from tunnel.batch import Batch
from tunnel.counters import engine_imbalance, imbalance
from tunnel.devices.memory import Memory
from tunnel.graph import Graph
from tunnel.packet import DATAGRAM, ETHERNET, IP
from tunnel.plan import Plan
from tunnel.testing import FakeClock

MEDIA = {"ethernet": ETHERNET, "ip": IP, "datagram": DATAGRAM}
LAYERS = {"Raw": Raw, **vars(l2), **vars(inet), **vars(inet6)}
LINE = re.compile(
    r"(?P<end>\S+) (?P<way>[<>])(?P<packet>.*?)(?: @ (?P<endpoint>\S+))?"
    r"|\+ (?P<ms>[\d.]+) ms"
    r"|(?P<node>\S+) (?:drops (?P<reason>\w+) (?P<dropped>\d+)|holds (?P<held>\d+))"
)
Arrived = tuple[bytes, tuple[str, int] | None]


def packet_of(text: str) -> bytes:
    """Hex digits, or the bytes of an expression of scapy's layers."""
    if re.fullmatch(r"[0-9a-fA-F\s]*", text):
        return bytes.fromhex(text)
    return bytes(eval(text.strip(), {"__builtins__": {"bytes": bytes}}, LAYERS))


@dataclass
class Case:
    """A graph between Memory devices, and the far ends of these."""

    graph: Graph = field(default_factory=Graph)
    far: dict[str, Memory] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)
    arrived: dict[str, list[Arrived]] = field(default_factory=dict)
    told: dict[tuple[str, str], int] = field(default_factory=dict)

    def build(self, tables: dict[str, Any]) -> None:
        for name, table in tables["devices"].items():
            carries = table.get("carries", 0)
            near, self.far[name] = Memory.pair(medium=MEDIA[table["medium"]], brings=carries, accepts=carries)
            self.graph.add(near, name)
            near.open()
            self.far[name].open()
        for name, table in tables["handlers"].items():
            options = {key: value for key, value in table.items() if key != "type"}
            self.graph.add(registry.find("handler", table["type"])(**options), name)
        for link in tables["graph"]["links"]:
            self.graph.link(link)
        self.graph.check()
        nodes = self.graph.devices | self.graph.handlers
        joints = [(nodes[link[0]], link[1], nodes[link[2]], link[3]) for link in self.graph.links]
        self.plan = Plan(list(self.graph.handlers.values()), list(self.graph.devices.values()), joints, strict=True)
        for handler in self.graph.handlers.values():
            handler.opened(self.clock.now_ns)

    def line(self, text: str) -> None:
        match = LINE.fullmatch(text)
        assert match, f"not a line of a case: {text}"
        if match["way"] == ">":
            self.put(match["end"], packet_of(match["packet"]), match["endpoint"])
        elif match["way"] == "<":
            assert self.arrived.get(match["end"]), f"nothing came out: {text}"
            expected = endpoints.parse(match["endpoint"]) if match["endpoint"] else None
            assert self.arrived[match["end"]].pop(0) == (packet_of(match["packet"]), expected), text
        elif match["ms"]:
            self.advance(self.clock.now_ns + round(float(match["ms"]) * 1e6))
        elif match["held"]:
            assert self.graph.handlers[match["node"]].counts()["held"]["packets"] == int(match["held"]), text
        else:
            self.told[match["node"], match["reason"]] = int(match["dropped"])
            assert self.dropped().get((match["node"], match["reason"])) == int(match["dropped"]), text

    def put(self, end: str, data: bytes, endpoint: str | None) -> None:
        batch = Batch()
        device = self.far[end]
        batch.emit(data, medium=device.medium, endpoint=endpoints.parse(endpoint) if endpoint else None)
        assert device.send(batch) == 1
        while self.plan.breathe(self.graph.devices[end], self.clock.now_ns):
            pass
        self.take()

    def advance(self, until_ns: int) -> None:
        while 0 < self.plan.deadline() <= until_ns:
            self.clock.now_ns = max(self.clock.now_ns, self.plan.deadline())
            self.plan.tick(self.clock.now_ns)
        self.clock.now_ns = until_ns
        self.take()

    def take(self) -> None:
        for name, device in self.far.items():
            batch = Batch()
            while device.recv(batch):
                datagram = device.medium == DATAGRAM
                self.arrived.setdefault(name, []).extend((p.data, p.endpoint if datagram else None) for p in batch)
                batch.clear()
        ledger = {kind: {name: node.counts() for name, node in getattr(self.graph, kind).items()}
                  for kind in ("devices", "handlers")}
        assert engine_imbalance({**ledger, "kernel": {}}) == 0  # type: ignore[typeddict-item]
        assert not any(imbalance(counts) for counts in ledger["handlers"].values())

    def dropped(self) -> dict[tuple[str, str], int]:
        nodes = self.graph.devices | self.graph.handlers
        return {(name, reason): tally["packets"] for name, node in nodes.items()
                for reason, tally in node.counts()["drops"].items()}

    def end(self) -> None:
        left = {name: [data.hex() for data, _ in arrived] for name, arrived in self.arrived.items() if arrived}
        assert not left, f"more came out than the case says: {left}"
        assert self.dropped() == self.told


def run(text: str) -> Case:
    """Run the text of a case; an ``AssertionError`` names the line that does not hold."""
    head, _, body = text.partition("\n---\n")
    case = Case()
    case.build(tomllib.loads(head))
    for line in filter(None, map(str.strip, body.splitlines())):
        case.line(line)
    case.end()
    return case


def files() -> list[Path]:
    return sorted(Path(__file__).parent.glob("*.case"))
