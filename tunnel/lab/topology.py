"""A network as it is described: nodes, bridges and the links between them.

These are values only. ``tunnel.lab.topology_file`` reads them from a file and finds its mistakes,
``tunnel.lab.plan`` says what is to be done for them, a holder does it.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from tunnel.impairment import Impairment

Addresses = Annotated[list[str], Meta(description="addresses with prefix length")]
Mtu = Annotated[int, Meta(ge=68, le=65535, description="bytes")]
QueueLength = Annotated[int, Meta(ge=0, le=100_000, description="packets")]
Mac = Annotated[str, Meta(description="like 02:00:00:00:00:01")]
Number = Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)]
TableNumber = Annotated[int, Meta(ge=1, le=0xFFFF_FFFF, description="number of a routing table")]
Id = Annotated[int, Meta(ge=0, le=0xFFFF_FFFE, description="a numeric user or group id")]
Port = Annotated[int, Meta(ge=1, le=65535)]
Setting: TypeAlias = str | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Seconds = Annotated[float, Meta(gt=0, le=3600, description="seconds")]


class Table(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table of a topology file."""


class Route(Table):
    """A route: by gateway, interface or both. ``to`` is a network or ``default``."""

    to: str
    via: str | None = None
    interface: str | None = None
    metric: Number | None = None
    table: TableNumber | None = None
    source: str | None = None


class Rule(Table, rename={"source": "from"}):
    """A policy routing rule: packets that match look into ``table``."""

    table: TableNumber
    source: str | None = None
    to: str | None = None
    iif: str | None = None
    oif: str | None = None
    fwmark: Number | None = None
    priority: Number | None = None


class Neighbour(Table):
    """A permanent ARP or neighbour discovery entry."""

    interface: str
    address: str
    mac: Mac


class Readiness(Table):
    """When a command counts as ready: all that is named must hold, within ``timeout_s``."""

    line: Annotated[str | None, Meta(description="how a line of its output begins")] = None
    tcp_port: Annotated[Port | None, Meta(description="a TCP port that is listened to in the node")] = None
    udp_port: Annotated[Port | None, Meta(description="a UDP port that is bound in the node")] = None
    exit: Annotated[bool, Meta(description="it has ended, with status 0")] = False
    timeout_s: Seconds = 30


class Command(Table):
    """A program to run in a node while the lab is up."""

    command: Annotated[list[str], Meta(min_length=1, description="program and arguments")]
    ready: Readiness = msgspec.field(default_factory=Readiness)
    env: dict[str, str] = {}


class Interface(Table):
    """What interfaces other than the ends of links have in common."""

    address: Addresses = []
    mtu: Mtu | None = None
    txqueuelen: QueueLength | None = None
    up: bool = True


class Tun(Interface, tag="tun", tag_field="type"):
    """A persistent TUN: routed, never the port of a bridge."""

    owner: Id | None = None
    group: Id | None = None
    multi_queue: bool = False


class Tap(Interface, tag="tap", tag_field="type"):
    """A persistent TAP."""

    mac: Mac | None = None
    owner: Id | None = None
    group: Id | None = None
    multi_queue: bool = False


class Vxlan(Interface, kw_only=True, tag="vxlan", tag_field="type"):
    """A VXLAN device (RFC 7348): ``remote`` is one peer or a multicast group, which needs ``parent``."""

    vni: Annotated[int, Meta(ge=0, le=0xFF_FFFF)]
    remote: str | None = None
    local: str | None = None
    parent: Annotated[str | None, Meta(description="the interface that carries it")] = None
    port: Port = 4789
    learning: bool = True
    mac: Mac | None = None


class Card(Interface, kw_only=True, tag="card", tag_field="type"):
    """An interface of the host, moved here for as long as the lab is up. As root only."""

    card: Annotated[str, Meta(description="its name in the host")]
    mac: Mac | None = None


AnyInterface: TypeAlias = Tun | Tap | Vxlan | Card


class Place(Table):
    """What nodes and bridges have in common."""

    interfaces: dict[str, AnyInterface] = {}
    sysctls: dict[str, Setting] = {}


class Node(Place):
    """A host: a network namespace."""

    routes: list[Route] = []
    rules: list[Rule] = []
    neighbours: list[Neighbour] = []
    masquerade: Annotated[list[str], Meta(description="interfaces behind whose address it hides others")] = []
    ipv6: Annotated[bool, Meta(description="false switches IPv6 off")] = True
    run: list[Command] = []
    graph: Annotated[str | None, Meta(description="a graph file that is run here")] = None


class FdbEntry(Table):
    """A static entry of a bridge's forwarding database."""

    mac: Mac
    port: Annotated[str, Meta(description="a port, by its interface's name or the far end NODE:INTERFACE")]


class Bridge(Place):
    """A bridge of the kernel; in a namespace of its own, or with ``host`` in the host's."""

    address: Addresses = []
    host: Annotated[bool, Meta(description="in the host's namespace; as root only")] = False
    mtu: Mtu | None = None
    mac: Mac | None = None
    stp: Annotated[bool, Meta(description="spanning tree (802.1D)")] = False
    priority: Annotated[int, Meta(ge=0, le=65535, description="in the election of the root")] | None = None
    forward_delay_s: Annotated[float, Meta(ge=2, le=30, description="seconds")] | None = None
    ageing_s: Annotated[float, Meta(ge=0, le=1_000_000, description="seconds")] | None = None
    snooping: Annotated[bool, Meta(description="multicast snooping")] = True
    vlan_filtering: bool = False
    fdb: list[FdbEntry] = []


class Link(Table):
    """A cable between two ends: ``NODE:INTERFACE``, or ``BRIDGE`` for a port of it."""

    endpoints: Annotated[list[str], Meta(min_length=2, max_length=2, description="two ends")]
    address: Annotated[list[str], Meta(description="addresses of the first end")] = []
    peer_address: Annotated[list[str], Meta(description="addresses of the second end")] = []
    mac: Mac | None = None
    peer_mac: Mac | None = None
    mtu: Mtu = 1500
    txqueuelen: QueueLength = 1000
    up: bool = True
    impair: Impairment | None = None
    impair_back: Impairment | None = None

    @property
    def carried(self) -> bool:
        """Whether an engine carries its packets, since it is or may become impaired."""
        return self.impair is not None or self.impair_back is not None


class Topology(Table):
    """A whole lab. ``name`` prefixes the names of its namespaces."""

    name: str
    nodes: dict[str, Node] = {}
    bridges: dict[str, Bridge] = {}
    links: list[Link] = []


Kind = Literal["node", "bridge"]


def encode(topology: Topology) -> bytes:
    """As JSON, for the holder to keep; ``decode`` gives it back."""
    return msgspec.json.encode(topology)


def decode(text: bytes | str) -> Topology:
    """What ``encode`` was given."""
    return msgspec.json.decode(text, type=Topology)
