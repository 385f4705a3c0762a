"""What runs in the nodes of a lab: graphs, and the commands of its file, each started and awaited in turn."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tunnel.errors import LabError
from tunnel.lab.lab import Lab, Progress
from tunnel.lab.topology import Command, Readiness
from tunnel.lab.topology_file import Loaded
from tunnel.toml_lines import Place

FIRST_LOOK_S, LONGEST_LOOK_S = 0.002, 0.05
RUNNING = Readiness(line="running:")


def start_all(lab: Lab, loaded: Loaded, trust: bool, told: Callable[[str], Progress]) -> None:
    """Starts everything in the order of the file; ``LabError`` names the line of what does not get ready."""
    wanted = [
        (place, node, command)
        for node, one in loaded.topology.nodes.items()
        for place, command in _commands(node, one.graph, one.run, loaded, trust)
    ]
    progress = told(f"{len(wanted)} programs") if wanted else (lambda share: None)
    for number, (place, node, command) in enumerate(wanted, 1):
        start(lab, node, command, loaded.folder, f"{loaded.place(place)}: {node}: {' '.join(command.command)}")
        progress(number / len(wanted))


def _commands(
    node: str, graph: str | None, run: list[Command], loaded: Loaded, trust: bool
) -> list[tuple[Place, Command]]:
    found: list[tuple[Place, Command]] = []
    if graph is not None:
        words = [sys.executable, "-P", "-m", "tunnel", "run", *["--trust-file"] * trust]
        command = Command(command=[*words, str(loaded.folder.absolute() / graph)], ready=RUNNING)
        found.append((("nodes", node, "graph"), command))
    return found + [(("nodes", node, "run", number), command) for number, command in enumerate(run)]


def start(lab: Lab, node: str, command: Command, folder: Path, what: str) -> int:
    """Starts a program in a node and waits until it is ready; its process id."""
    env = {**os.environ, **installation(), **command.env}
    pid: int = lab.call(what, "start", node=node, command=command.command, env=env, folder=str(folder.absolute()))
    _await(lab, node, pid, command.ready, what)
    return pid


def installation() -> dict[str, str]:
    """The environment in which this package and its programs are found, whatever the user's own is."""
    modules = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return {"PYTHONPATH": modules, "PATH": os.pathsep.join([os.environ["PATH"], str(Path(sys.executable).parent)])}


def _await(lab: Lab, node: str, pid: int, ready: Readiness, what: str) -> None:
    until, pause, said = time.monotonic() + ready.timeout_s, FIRST_LOOK_S, ""
    while True:
        seen = lab.call(what, "output", pid=pid)
        said = seen["text"]
        if _is_ready(lab, node, ready, said, seen["status"], what):
            return
        if seen["status"] is not None and (seen["status"] or not ready.exit):
            raise LabError(f"{what}: ended with {seen['status']}: {said.strip() or 'it said nothing'}")
        if time.monotonic() > until:
            raise LabError(f"{what}: not ready after {ready.timeout_s:g} s: {said.strip() or 'it said nothing'}")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_LOOK_S)


def _is_ready(lab: Lab, node: str, ready: Readiness, said: str, status: int | None, what: str) -> bool:
    """Whether all that is named holds; a program of which nothing is asked is ready once it has begun."""
    line = ready.line is None or any(each.startswith(ready.line) for each in said.splitlines())
    ended = not ready.exit or status == 0
    ports = {"tcp": ready.tcp_port, "udp": ready.udp_port}
    asked = {proto: port for proto, port in ports.items() if port is not None}
    if not (line and ended):
        return False
    return all(port in lab.call(what, "ports", node=node, proto=proto) for proto, port in asked.items())
