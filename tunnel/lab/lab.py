"""``Lab``: the parent's side of a holder, and what belongs to the lab as a whole."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from types import TracebackType
from typing import Any, Self

from tunnel.errors import LabError
from tunnel.lab import names, remedies
from tunnel.lab.channel import Channel
from tunnel.lab.node import Node

END_TIMEOUT_S = 30.0


class Lab:
    """A set of network namespaces with their links, gone without a trace when it is closed.

    ``Lab()`` works as root and, where user namespaces are allowed, without. Programs in nodes see an
    empty private /run, shared by the lab. All rights and the namespaces lie in one holder process,
    which ends with its parent, however that ends, and takes along every process inside a node.
    Closed by ``close`` or as a context manager. Its calls may come from any thread, and block for a
    few milliseconds at most.

    Attributes: ``nodes`` by name, ``rootless``, ``pid`` of the holder; the descriptors ``user`` and
    ``mount`` of its namespaces, and ``life`` of a pipe that it holds open.

    Raises ``LabError`` for everything the kernel refuses, with the remedy.
    """

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        self._channel = Channel(ours)
        self._processes: list[subprocess.Popen[Any]] = []
        self._fds: list[int] = []
        self.nodes: dict[str, Node] = {}
        with theirs:
            self._holder = start_holder(theirs)
        self.pid = self._holder.pid
        try:
            hello, self._fds = self._exchange(None, "the lab cannot start")
        except BaseException:
            self.close()
            raise
        self.rootless: bool = hello["rootless"]
        self.user, self.mount, self.life = self._fds

    def call(self, what: str, op: str, **arguments: Any) -> Any:
        """The holder's answer to a request; ``what`` begins the text of a ``LabError``."""
        return self._exchange({"op": op, **arguments}, what)[0]

    def open(self, what: str, op: str, **arguments: Any) -> int:
        """As ``call``, for a request that opens something: its descriptor, which is the caller's."""
        return self._exchange({"op": op, **arguments}, what)[1][0]

    def _exchange(self, request: dict[str, Any] | None, what: str) -> tuple[Any, list[int]]:
        with self._lock:
            try:
                if request is not None:
                    self._channel.send(request)
                reply, fds = self._channel.receive()
            except (OSError, EOFError) as error:
                raise LabError(f"{what}: the lab has ended or was closed; make a new one") from error
        if "errno" in reply:
            raise remedies.refused(what, reply["errno"], reply["words"])
        return reply["value"], fds

    def node(self, name: str) -> Node:
        """Makes a node: a network namespace with ``lo`` up and without duplicate address detection."""
        what = f"node {names.node_name(name)}"
        if name in self.nodes:
            raise LabError(f"{what}: the lab has one of that name; choose another")
        held, fds = self._exchange({"op": "node", "node": name}, what)
        self._fds += fds
        self.nodes[name] = Node(self, name, fds[0], f"/proc/{self.pid}/fd/{held}")
        return self.nodes[name]

    def link(
        self, near: tuple[Node, str], far: tuple[Node, str], *, mtu: int = 1500, txqueuelen: int = 1000
    ) -> None:
        """A veth pair between two nodes (or two interfaces of one), both ends down.

        ``mtu`` in bytes, ``txqueuelen`` in packets.
        """
        (node, name), (peer, peer_name) = near, far
        self.call(
            f"link {node.name} {name} to {peer.name} {peer_name}",
            "veth",
            node=node.name,
            interface=names.interface_name(name),
            peer=peer.name,
            far=names.interface_name(peer_name),
            options={"mtu": names.count("mtu", mtu), "txqlen": names.count("txqueuelen", txqueuelen)},
        )

    def started(self, process: subprocess.Popen[Any]) -> None:
        """Takes note of a process that is to end with the lab."""
        with self._lock:
            self._processes = [p for p in self._processes if p.returncode is None] + [process]

    def clear(self) -> None:
        """Ends the processes in the nodes and drops these: the lab is as new, and costs no new holder."""
        self._end_processes()
        self.call("clear the lab", "clear")
        self._drop(self._fds[3:])
        self._fds = self._fds[:3]
        self.nodes.clear()

    def close(self) -> None:
        """Ends the processes in the nodes, then the holder; the kernel drops the rest. Idempotent."""
        self._channel.close()
        try:
            self._holder.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._holder.kill()
            self._holder.wait()
        self._end_processes()
        self._drop(self._fds)
        self._fds = []

    def _end_processes(self) -> None:
        for process in self._processes:
            process.kill()
            with process:
                pass
        self._processes = []

    @staticmethod
    def _drop(fds: list[int]) -> None:
        for fd in fds:
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start_holder(sock: socket.socket) -> subprocess.Popen[bytes]:
    """Starts a holder that imports from where this process does, and never from the current folder (-P)."""
    path = os.pathsep.join(place or os.getcwd() for place in sys.path)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "tunnel.lab.holder", str(os.getpid())],
        stdin=sock.fileno(),
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )
