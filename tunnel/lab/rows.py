"""What is told about a namespace, as values: rows of the kernel's tables."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Interface:
    """What the kernel says of an interface: ``mtu`` in bytes, ``txqueuelen`` in packets.

    ``kind`` is ``veth``, ``bridge``, ``tun`` ... or None for a real card; ``mac`` is None without
    Ethernet; ``master`` is the index of the bridge it is a port of.
    """

    name: str
    index: int
    kind: str | None
    mtu: int
    mac: str | None
    up: bool
    carrier: bool
    txqueuelen: int
    master: int | None


@dataclass(frozen=True)
class Route:
    """A route to the network ``to``; ``source`` is the address that is preferred for what goes by it."""

    to: str
    via: str | None
    interface: str | None
    metric: int | None
    table: int
    source: str | None


@dataclass(frozen=True)
class Rule:
    """A policy routing rule: what matches looks into ``table``. ``family`` is ``ipv4`` or ``ipv6``."""

    priority: int
    family: str
    source: str | None
    to: str | None
    iif: str | None
    oif: str | None
    fwmark: int | None
    table: int


@dataclass(frozen=True)
class Neighbour:
    """A neighbour entry; ``state`` as in ip-neighbour(8), ``mac`` is None while it is asked for."""

    address: str
    interface: str
    mac: str | None
    state: str


@dataclass(frozen=True)
class FdbEntry:
    """An Ethernet address that a bridge knows, behind which port; ``state`` is learnt, static, or local: its own."""

    mac: str
    interface: str
    state: str


@dataclass(frozen=True)
class Port:
    """A port of a bridge: what the spanning tree has it do (``forwarding`` ...), its cost and priority there."""

    name: str
    state: str
    cost: int
    priority: int


@dataclass(frozen=True)
class Bridge:
    """What is set of a bridge; see ``BridgeVerbs.set_bridge``."""

    stp: bool
    priority: int
    forward_delay_s: float
    ageing_s: float
    snooping: bool
    vlan_filtering: bool
