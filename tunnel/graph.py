"""The graph: devices and handlers by name, and the links between their ports. It runs nothing.

    graph = Graph()
    graph.add(Tap("tap0"))
    graph.add(Echo(), "echo")
    graph.link("tap0 -- echo.port")
    graph.check()

A link goes one way (``a.x -> b.y``) or both (``a.x -- b.y``). A device has one port and is named
alone; so may a handler with a single port.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple, Self, TypeVar

from tunnel.config import choices, meant
from tunnel.device import Device
from tunnel.engine_options import EngineOptions
from tunnel.errors import ConfigError, Problem
from tunnel.handler import Handler

Node = TypeVar("Node", Device, Handler)

# Interfaces of VLANs have a dot in their name; a handler's would hide its ports.
_DEVICE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_HANDLER_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_LINK = re.compile(r"\s*(\S+)\s+(--|->)\s+(\S+)\s*")


class Link(NamedTuple):
    """One way from an out port to an in port; objects by name, ports by number (a device's is 0)."""

    source: str
    source_port: int
    target: str
    target_port: int


class Graph:
    """Passive: names objects and joins their ports.

    ``devices`` and ``handlers`` are the objects by name, ``links`` the one-way links in the order
    in which they were made, ``engine`` the options of the engine that is to run it. Of a graph from a
    file, ``file`` is its path and ``lines`` tells where names and links (by their index) are written.
    """

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.handlers: dict[str, Handler] = {}
        self.links: list[Link] = []
        self.engine = EngineOptions()
        self.file: str | None = None
        self.lines: dict[str | int, int | None] = {}

    @classmethod
    def load(cls, path: str | os.PathLike[str], trust: bool = False) -> Self:
        """The checked graph of a TOML file; all its mistakes in one ``ConfigError``.

        ``trust`` lets root use a graph file, and handler files named in it, that others may write.
        """
        from tunnel.graph_file import fill

        graph = cls()
        fill(graph, path, trust)
        return graph

    def add(self, node: Node, name: str | None = None) -> Node:
        """Puts a device or a handler into the graph and returns it.

        Its name is ``name``, else its own, else that of its class in snake case; at most 64 letters,
        digits, ``_`` and ``-``, for a device ``.`` too. One that is wrong or in use is a ``ConfigError``.
        """
        if not isinstance(node, Device | Handler):
            raise TypeError(f"found a {type(node).__name__}, expected a tunnel.Device or tunnel.Handler")
        name = name or node.name or _snake(type(node).__name__)
        self._check_name(name, is_device=isinstance(node, Device))
        if isinstance(node, Device):
            self.devices[name] = node
        else:
            self.handlers[name] = node
        node.name = node.name or name
        return node

    def link(self, text: str) -> list[Link]:
        """Makes the one or two links of ``"a.x -> b.y"`` or ``"a.x -- b.y"`` and returns them.

        Ends that do not exist are a ``ConfigError``. What only the whole graph tells is left to
        ``check``.
        """
        left, arrow, right = parse_link(text)
        source, target = self._resolve(left, text), self._resolve(right, text)
        made = [Link(*source, *target)]
        if arrow == "--":
            made.append(Link(*target, *source))
        self.links += made
        return made

    def check(self) -> None:
        """Raises one ``ConfigError`` with every mistake of the whole graph: see ``tunnel.graph_check``."""
        from tunnel.graph_check import problems

        if found := problems(self):
            raise ConfigError(found)

    def expose(self) -> None:
        """Calls ``exposed`` of every handler that packets of strangers can reach: before a run.

        They come from a device that is ``exposed``, directly or through other handlers.
        """
        reached: set[str] = set()
        ahead = [name for name, device in self.devices.items() if device.exposed]
        while ahead:
            source = ahead.pop()
            fresh = {link.target for link in self.links if link.source == source} & self.handlers.keys() - reached
            reached |= fresh
            ahead += fresh
        for name in sorted(reached):
            self.handlers[name].exposed()

    def port_name(self, name: str, port: int) -> str:
        """An end of a link as it is written: ``tap0``, ``switch.a``."""
        return name if name in self.devices else f"{name}.{self.handlers[name].ports[port]}"

    def link_text(self, link: Link) -> str:
        """``tap0 -> switch.a``"""
        source, target = self.port_name(*link[:2]), self.port_name(*link[2:])
        return f"{source} -> {target}"

    def problem(self, key: str | int | None, text: str) -> Problem:
        """A problem at the line of a name or of a link."""
        return Problem(text, self.file, None if key is None else self.lines.get(key))

    def _check_name(self, name: str, is_device: bool) -> None:
        if not (_DEVICE_NAME if is_device else _HANDLER_NAME).fullmatch(name):
            dot = ", ." if is_device else ""
            raise ConfigError(f'name "{name}": expected at most 64 letters, digits, _, -{dot}, - not first')
        if name in self.devices or name in self.handlers:
            raise ConfigError(f'name "{name}": in use, expected one of its own for each object')

    def _resolve(self, end: str, text: str) -> tuple[str, int]:
        if end in self.devices:
            return end, 0
        device, _, _ = end.rpartition(".")
        if device in self.devices:
            raise ConfigError(f'link "{text}": {device} is a device, which has one port: expected "{device}"')
        name, _, port = end.partition(".")
        if name not in self.handlers:
            names = [*self.devices, *self.handlers]
            hint = f"{meant(name, names)}, {choices(names)}"
            raise ConfigError(f'link "{text}": nothing is named "{name}"{hint}')
        return name, _port(self.handlers[name], name, port, text)


def parse_link(text: str) -> tuple[str, str, str]:
    """Left end, ``--`` or ``->``, right end. Anything else is a ``ConfigError``."""
    match = _LINK.fullmatch(text)
    if not match:
        raise ConfigError(f'link "{text}": expected "NAME.PORT -- NAME.PORT" (both ways) or "->" (one way)')
    left, arrow, right = match.groups()
    return left, arrow, right


def _port(handler: Handler, name: str, port: str, text: str) -> int:
    ports = handler.ports
    if port in ports:
        return ports.index(port)
    if not port and len(ports) == 1:
        return 0
    wanted = choices(f"{name}.{known}" for known in ports)
    if not port:
        raise ConfigError(f'link "{text}": {name} has {len(ports)} ports, {wanted}')
    raise ConfigError(f'link "{text}": {name} has no port "{port}"{meant(port, ports)}, {wanted}')


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
