"""``Lab``: a client of a holder, and what belongs to the lab as a whole."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tunnel.errors import LabError
from tunnel.lab import impairing, names, netns, place, remedies, starting
from tunnel.lab.channel import Channel
from tunnel.lab.ends import Ends
from tunnel.lab.node import Node
from tunnel.lab.plan import Step
from tunnel.lab.topology import Topology, decode

if TYPE_CHECKING:
    from tunnel.lab.building import Blueprint

END_TIMEOUT_S = 30.0
TOGETHER = 200  # steps of a plan in one request: what a message can carry, and how often progress is told

Progress = Callable[[float], None]


class Lab:
    """A set of network namespaces with their links, gone without a trace when it is closed.

    ``Lab()`` works as root and, where user namespaces are allowed, without. Programs in a node see an
    empty /run that is the node's own. All rights and the namespaces lie in one holder process, which ends
    with its parent, however that ends, and takes along every process inside a node; unless the lab is
    kept (``keep``): then it is there until somebody ends it (``end``), and ``attached`` finds it by its
    name. Closed by ``close`` or as a context manager. Its calls may come from any thread, and block for
    a few milliseconds at most.

    Attributes: ``nodes`` by name, ``rootless``, ``name`` or None, ``topology`` it was built from or None,
    ``pid`` of the holder; the descriptors ``user`` of its user namespace, and ``life`` of a pipe that it
    holds open.

    Raises ``LabError`` for everything the kernel refuses, with the remedy.
    """

    def __init__(self, channel: Channel | None = None, holder: subprocess.Popen[bytes] | None = None) -> None:
        self._lock = threading.Lock()
        self._processes: list[subprocess.Popen[Any]] = []
        self._fds: list[int] = []
        self.nodes: dict[str, Node] = {}
        self.topology: Topology | None = None
        self._holder = holder
        if channel is None:
            self._holder, channel = starting.start_holder()
        self._channel = channel
        try:
            hello, self._fds = self._exchange({"op": "hello"}, "the lab cannot start")
        except BaseException:
            self.close()
            raise
        self.pid: int = hello["pid"]
        self.rootless: bool = hello["rootless"]
        self.name: str | None = hello["lab"]
        self.user, self.life = self._fds

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, trust: bool = False, private: bool = False) -> Blueprint:
        """The lab that a topology file describes, to be built by ``with`` or ``async with``.

        All mistakes in the file are one ``ConfigError``, each with its line. As root a file that others may
        write is refused unless ``trust``. A ``private`` lab has no name outside; see ``Blueprint``.
        """
        from tunnel.lab import building

        return building.from_file(path, trust=trust, private=private)

    @classmethod
    def from_text(cls, text: str, *, private: bool = True) -> Blueprint:
        """The lab that a text describes, as ``from_file``; ``name = "x"`` alone is an empty one."""
        from tunnel.lab import building

        return building.from_text(text, private=private)

    def call(self, what: str, op: str, **arguments: Any) -> Any:
        """The holder's answer to a request; ``what`` begins the text of a ``LabError``."""
        return self._exchange({"op": op, **arguments}, what)[0]

    def fetch(self, what: str, op: str, **arguments: Any) -> tuple[Any, list[int]]:
        """As ``call``, with the descriptors that came along, which are the caller's."""
        return self._exchange({"op": op, **arguments}, what)

    def open(self, what: str, op: str, **arguments: Any) -> list[int]:
        """As ``call``, for a request that opens something: its descriptors, which are the caller's."""
        return self._exchange({"op": op, **arguments}, what)[1]

    def _exchange(
        self, request: dict[str, Any], what: str, fds: Sequence[int] = (), at: Callable[[int], str] | None = None
    ) -> tuple[Any, list[int]]:
        with self._lock:
            try:
                self._channel.send(request, fds)
                reply, given = self._channel.receive()
            except (OSError, EOFError) as error:
                raise LabError(f"{what}: the lab has ended or was closed; make a new one") from error
        if "complete" in reply:
            raise LabError(reply["words"], reply["errno"])
        if "errno" in reply:
            where = at(reply["step"]) if at and "step" in reply else what
            raise remedies.refused(where, reply["errno"], reply["words"])
        return reply["value"], given

    def __getitem__(self, name: str) -> Node:
        """The node of that name; ``LabError`` where there is none."""
        try:
            return self.nodes[name]
        except KeyError:
            raise LabError(f"node {name}: the lab has none of that name; it has {', '.join(self.nodes)}") from None

    def node(self, name: str) -> Node:
        """Makes a node: a network namespace with ``lo`` up and without duplicate address detection."""
        what = f"node {names.node_name(name)}"
        if name in self.nodes:
            raise LabError(f"{what}: the lab has one of that name; choose another")
        self.call(what, "node", node=name)
        self.nodes[name] = Node(self, name)
        return self.nodes[name]

    def link(
        self, near: tuple[Node, str], far: tuple[Node, str], *, mtu: int = 1500, txqueuelen: int = 1000
    ) -> None:
        """A veth pair between two nodes (or two interfaces of one), both ends down.

        ``mtu`` in bytes, ``txqueuelen`` in packets.
        """
        near[0].link(near[1], *far, mtu=mtu, txqueuelen=txqueuelen)

    def entrance(self, spaces: dict[str, int], program: list[str]) -> tuple[list[str], tuple[int, ...]]:
        """The words that execute a program in namespaces of this lab, and the descriptors that they need."""
        user = {"user": self.user} if self.rootless else {}
        held = {**user, **spaces, "life": self.life}
        wanted = [f"{kind}={fd}" for kind, fd in held.items()]
        return [sys.executable, "-I", "-S", netns.__file__, *wanted, "--", *program], tuple(held.values())

    def naming(self) -> int:
        """A descriptor of a mount namespace in which each node is /run/netns/NODE, where a graph's ``netns`` looks
        for it; the caller's. Nodes that are made later are not there."""
        return self.open("name the nodes", "names")[0]

    def claim(self, name: str, topology: str = "") -> None:
        """Gives the lab a name by which other programs find it; refused where one of that name is up."""
        with place.folder(make=True) as folder:
            request = {"op": "claim", "lab": names.lab_name(name), "topology": topology}
            try:
                self._exchange(request, f"lab {name}", [folder])
            except LabError as error:
                if error.errno == errno.EEXIST:
                    error.exit_code = 1  # a name to choose anew; nothing that the kernel refused
                raise
        self.name = name

    def carry_out(self, steps: Sequence[Step], progress: Progress = lambda share: None) -> None:
        """Does the steps of a plan; a ``LabError`` names the object and the line of what was refused."""
        for first in range(0, len(steps), TOGETHER):
            some = [step.request for step in steps[first : first + TOGETHER]]
            request = {"op": "steps", "first": first, "steps": some}
            self._exchange(request, "the lab", at=lambda number: steps[number].what)
            progress(min(1.0, (first + TOGETHER) / len(steps)))

    def adopt(self) -> None:
        """Learns which nodes there are, after others made them."""
        names_of_all = self.call("list the nodes", "nodes")
        self.nodes = {name: self.nodes.get(name) or Node(self, name) for name in names_of_all}

    def keep(self) -> None:
        """From now on the lab outlives this program."""
        self.call("keep the lab", "keep")
        if self._holder:
            self._holder.returncode = 0  # nobody is to wait for it, nor to be warned that nobody did
            self._holder = None

    def end(self) -> None:
        """Ends a lab, kept or not, with everything in it; returns when its holder is gone."""
        pid = self.call("end the lab", "end")
        starting.await_end(pid, END_TIMEOUT_S)
        if self.name and self.name in place.present():
            raise LabError(f"lab {self.name}: not all of it could be undone; tunnel lab clean says what")

    def processes(self) -> list[dict[str, Any]]:
        """What the lab runs, beside what its users started: ``node`` (None: the engine of its carried links),
        ``command``, ``pid``, ``status`` (the exit status, None while it runs) and ``state`` in words."""
        found: list[dict[str, Any]] = self.call("list the programs", "programs")
        return [{**one, "state": _state(one["status"])} for one in found]

    def ends(self) -> Ends:
        """Where the ends of its links are."""
        if self.topology is None:
            raise LabError("this lab was not built from a topology, so its links have no names")
        return Ends(self.topology)

    def impair(self, link: str, **options: Any) -> dict[str, Any]:
        """Changes what happens on a carried link while traffic flows; ``link`` is one of its ends, ``NODE:INTERFACE``.

        ``options`` are those of ``Impair``, ``back`` with those of the other way; what is not given stays as
        it is. Gives the options in force then. ``LabError`` for a link that no engine carries, and for options
        that do not fit.
        """
        return impairing.impair(self, link, options)

    def started(self, process: subprocess.Popen[Any]) -> None:
        """Takes note of a process that is to end with the lab."""
        with self._lock:
            self._processes = [p for p in self._processes if p.returncode is None] + [process]

    def abandon(self) -> None:
        """Makes every call fail, one that another thread waits in too; what is left to do is ``close``."""
        with suppress(OSError):
            self._channel.end()

    def clear(self) -> None:
        """Ends the processes in the nodes and drops these: the lab is as new, and costs no new holder."""
        self._end_processes()
        self.call("clear the lab", "clear")
        self._forget_nodes()

    def close(self) -> None:
        """Ends what was started here, and a lab that is not kept; the kernel drops the rest. Idempotent."""
        self._channel.close()
        if self._holder:
            starting.reap(self._holder, END_TIMEOUT_S)
        self._end_processes()
        self._forget_nodes()
        for fd in self._fds:
            os.close(fd)
        self._fds = []

    def _forget_nodes(self) -> None:
        for node in self.nodes.values():
            node.forget()
        self.nodes.clear()

    def _end_processes(self) -> None:
        for process in self._processes:
            process.kill()
            with process:
                pass
        self._processes = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def attached(name: str | None = None) -> Iterator[Lab]:
    """The lab of that name, or the only one that is up; ``LabError`` where there is none, or more than one."""
    with Lab(place.connect(name)) as lab:
        lab.adopt()
        described = lab.call("read the topology", "topology")
        lab.topology = decode(described) if described else None
        yield lab


def _state(status: int | None) -> str:
    return "running" if status is None else f"ended with {status}"
