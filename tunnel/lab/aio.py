"""The lab on an asyncio loop: the same things, awaited.

What a node or a lab can do has the name, the arguments and the result that it has there (``tunnel.lab.node``,
``tunnel.lab.lab``); only other nodes are those of here. ``blocking`` is the thing itself, for what is not here:
``await apart(lambda: node.blocking.something())``.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterable
from typing import Any, TypeAlias

from tunnel.errors import LabError
from tunnel.lab import lab as blocking
from tunnel.lab import node as blocking_node
from tunnel.lab.apart import Awaited, apart, whole
from tunnel.lab.node import RUN_TIMEOUT_S
from tunnel.lab.program import Program, Spawned, spawned
from tunnel.lab.topology import Topology

_Node = blocking_node.Node
_Programs: TypeAlias = set[Program]  # ``set`` is a method below


class Node:
    """A node of a ``Lab``; ``blocking`` is the same with calls that wait."""

    def __init__(self, node: _Node, programs: _Programs) -> None:
        self.blocking, self.name = node, node.name
        self._programs = programs

    def __repr__(self) -> str:
        return f"<Node {self.name}>"

    up, down, set = Awaited(_Node.up), Awaited(_Node.down), Awaited(_Node.set)
    delete, interface, interfaces = Awaited(_Node.delete), Awaited(_Node.interface), Awaited(_Node.interfaces)
    details, statistics, sysctl = Awaited(_Node.details), Awaited(_Node.statistics), Awaited(_Node.sysctl)
    socket = Awaited(_Node.socket, undo=lambda sock: sock.close())
    tun, persistent_tun = Awaited(_Node.tun, undo=os.close), Awaited(_Node.persistent_tun)

    address, remove_address = Awaited(_Node.address), Awaited(_Node.remove_address)
    route, remove_route = Awaited(_Node.route), Awaited(_Node.remove_route)
    neighbour, remove_neighbour = Awaited(_Node.neighbour), Awaited(_Node.remove_neighbour)
    masquerade, remove_masquerade = Awaited(_Node.masquerade), Awaited(_Node.remove_masquerade)
    addresses, routes = Awaited(_Node.addresses), Awaited(_Node.routes)
    rules, neighbours = Awaited(_Node.rules), Awaited(_Node.neighbours)

    enslave, release, ports = Awaited(_Node.enslave), Awaited(_Node.release), Awaited(_Node.ports)
    fdb, add_fdb, remove_fdb = Awaited(_Node.fdb), Awaited(_Node.add_fdb), Awaited(_Node.remove_fdb)
    bridge_settings, vxlan = Awaited(_Node.bridge_settings), Awaited(_Node.vxlan)

    async def bridge(self, name: str, ports: Iterable[str] = (), **settings: Any) -> str:
        """Makes a bridge, as ``tunnel.lab.Node.bridge``."""
        return await apart(lambda: self.blocking.bridge(name, ports, **settings))

    async def set_bridge(self, name: str, **settings: Any) -> None:
        """Sets what is given of a bridge, as ``tunnel.lab.Node.set_bridge``."""
        await apart(lambda: self.blocking.set_bridge(name, **settings))

    async def rule(self, table: int, **match: Any) -> None:
        """Adds a rule, as ``tunnel.lab.Node.rule``."""
        await apart(lambda: self.blocking.rule(table, **match))

    async def remove_rule(self, table: int, **match: Any) -> None:
        """Takes a rule away, as ``tunnel.lab.Node.remove_rule``."""
        await apart(lambda: self.blocking.remove_rule(table, **match))

    async def link(self, interface: str, to: Node, peer: str, **numbers: int) -> None:
        """A veth pair to another node, as ``tunnel.lab.Node.link``."""
        await apart(lambda: self.blocking.link(interface, to.blocking, peer, **numbers))

    async def move(self, interface: str, to: Node) -> None:
        """Moves an interface to another node; it arrives down and without addresses."""
        await apart(lambda: self.blocking.move(interface, to.blocking))

    async def start(
        self, *command: str | os.PathLike[str], errors_apart: bool = False, **options: Any
    ) -> Program:
        """Starts a program in this node, as ``tunnel.lab.Node.popen`` with ``options`` such as ``env`` and ``cwd``.

        Its errors come among its output, unless ``errors_apart``. It is killed at the end of ``async with``, and
        of the lab.
        """
        found = await apart(lambda: spawned(self.blocking, command, not errors_apart, options), undo=Spawned.end)
        program = Program(found, self._programs.discard)
        self._programs.add(program)
        try:
            return await whole(asyncio.ensure_future(program.connect()))
        except BaseException:
            await program.close()
            raise

    async def run(
        self, *command: str | os.PathLike[str], check: bool = True, text_input: str | None = None,
        timeout_s: float = RUN_TIMEOUT_S,
    ) -> subprocess.CompletedProcess[str]:  # fmt: skip
        """Runs a program to its end, as ``tunnel.lab.Node.run``; one whose task is cancelled is killed."""
        async with await self.start(*command, errors_apart=True) as program:
            try:
                async with asyncio.timeout(timeout_s):
                    out, err = await program.communicate(text_input)
            except TimeoutError:
                raise LabError(self.blocking.late(command, timeout_s)) from None
            return self.blocking.judged(command, await program.wait(), out, err, check)


class Lab:
    """A lab that is up, made by ``async with Lab.from_file(...)``; ``blocking`` is the same with calls that wait."""

    def __init__(self, lab: blocking.Lab) -> None:
        self.blocking = lab
        self._programs: _Programs = set()

    def __getitem__(self, name: str) -> Node:
        """The node of that name; ``LabError`` where there is none."""
        return Node(self.blocking[name], self._programs)

    @property
    def nodes(self) -> dict[str, Node]:
        """The nodes by name."""
        return {name: self[name] for name in self.blocking.nodes}

    @property
    def name(self) -> str | None:
        """Its name outside."""
        return self.blocking.name

    @property
    def topology(self) -> Topology | None:
        """What it was built from."""
        return self.blocking.topology

    processes = Awaited(blocking.Lab.processes)

    async def impair(self, link: str, **options: Any) -> dict[str, Any]:
        """Changes what happens on a carried link, as ``tunnel.lab.Lab.impair``."""
        return await apart(lambda: self.blocking.impair(link, **options))

    async def node(self, name: str) -> Node:
        """Makes a node, as ``tunnel.lab.Lab.node``."""
        await apart(lambda: self.blocking.node(name))
        return self[name]

    async def link(self, near: tuple[Node, str], far: tuple[Node, str], **options: Any) -> None:
        """A veth pair between two nodes, as ``tunnel.lab.Lab.link``; both ends are down."""
        (node, name), (peer, peer_name) = near, far
        await apart(lambda: self.blocking.link((node.blocking, name), (peer.blocking, peer_name), **options))

    async def close(self) -> None:
        """Ends its programs and the lab, whoever cancels meanwhile."""
        await whole(asyncio.ensure_future(self._close()))

    async def _close(self) -> None:
        await asyncio.gather(*(program.close() for program in self._programs))
        await apart(self.blocking.close)
