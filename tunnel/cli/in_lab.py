"""A graph in a lab that is there as long as it runs: ``tunnel run GRAPH --lab FILE``.

The engine is a process beside the nodes, where this command is, as root of the lab's user namespace where the
lab has one, in a mount namespace in which the nodes are /run/netns/NODE: so ``netns = "a"`` of a device means
the lab's node. It dies with this command, and the lab does.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any, Self

from tunnel.cli.progress import Steps
from tunnel.config import choices, meant
from tunnel.device import Device
from tunnel.errors import ConfigError, LabError
from tunnel.graph import Graph
from tunnel.lab import Lab
from tunnel.lab.programs import installation
from tunnel.lab.topology import Topology

ENDING = (signal.SIGINT, signal.SIGTERM)
SIGNALLED = 128  # and the signal's number: as a shell shows it


def run(graph_file: str, lab_file: str, trust: bool, words: list[str]) -> int:
    """Builds the lab, runs ``tunnel run`` in it with these words, takes the lab down; the engine's exit code.

    Mistakes of both files are told before anything is made.
    """
    graph = Graph.load(graph_file, trust)
    blueprint = Lab.from_file(lab_file, trust=trust)
    _require_nodes(graph, graph_file, blueprint.loaded.topology, lab_file)
    with Signals() as signals:
        with Steps(quiet=not sys.stderr.isatty()) as steps:
            lab = blueprint.build(steps.begin)
        with lab, _started(lab, words) as process:
            signals.pass_to(process.terminate)
            _await(lab, process)
            signals.pass_to(lambda: None)
    return process.returncode if process.returncode >= 0 else SIGNALLED + (signals.number or -process.returncode)


def _require_nodes(graph: Graph, graph_file: str, topology: Topology, lab_file: str) -> None:
    known = {*topology.nodes, *(name for name, bridge in topology.bridges.items() if not bridge.host)}
    named = {name: _netns(device) for name, device in graph.devices.items()}
    problems = [
        f'{graph_file}: devices.{name}.netns: {lab_file} has no node "{netns}"{meant(netns, known)}, {choices(known)}'
        for name, netns in named.items()
        if isinstance(netns, str) and "/" not in netns and netns not in known
    ]
    if problems:
        raise ConfigError("\n".join(problems))


def _netns(device: Device) -> str | int | None:
    """What the file says; a Tun or Tap has it as an attribute, which may be a descriptor too."""
    found: str | int | None = getattr(device, "netns", None) or getattr(getattr(device, "options", None), "netns", None)
    return found


@contextmanager
def _started(lab: Lab, words: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """The engine, in a process group of its own: a terminal's SIGINT comes to this command, once, and is passed on.

    The gate is open already; what it does besides is to let the engine die with this command.
    """
    gate, opening = os.pipe()
    try:
        os.write(opening, b"\n")
        os.close(opening)
        naming = lab.naming()
        try:
            program = [sys.executable, "-P", "-m", "tunnel", "run", *words]
            command, fds = lab.entrance({"mnt": naming, "gate": gate}, program)
            env = {**os.environ, **installation()}
            process = subprocess.Popen(command, pass_fds=fds, env=env, process_group=0)
        finally:
            os.close(naming)
    finally:
        os.close(gate)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _await(lab: Lab, process: subprocess.Popen[bytes]) -> None:
    """Waits for the engine's end; a lab that ends before takes it along, and is an error."""
    pidfd = os.pidfd_open(process.pid)
    try:
        waiter = select.poll()
        waiter.register(pidfd, select.POLLIN)
        waiter.register(lab.life, 0)  # POLLHUP is always told
        ready = dict(waiter.poll())
        if pidfd not in ready:
            process.terminate()
    finally:
        os.close(pidfd)
    process.wait()
    if pidfd not in ready:
        raise LabError(f"lab {lab.name}: it was ended meanwhile, and the graph with it")


class Signals:
    """SIGINT and SIGTERM meanwhile: they end this command with everything undone, or are passed on.

    ``number`` is the last that came, or 0.
    """

    def __init__(self) -> None:
        self.number = 0
        self._pass: Callable[[], Any] | None = None
        self._before: dict[signal.Signals, Any] = {}

    def pass_to(self, function: Callable[[], Any]) -> None:
        """From now on they do not end this command; ``function`` is called for each."""
        self._pass = function

    def _on(self, number: int, _frame: FrameType | None) -> None:
        self.number = number
        if self._pass is None:
            raise SystemExit(SIGNALLED + number)
        self._pass()

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._on) for number in ENDING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)
