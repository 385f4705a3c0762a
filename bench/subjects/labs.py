"""What builds a network of namespaces: scripts of ip(8), the command, the Python API.

``Builder``s are used by ``bench.tools.lab_turn``, in a process and namespaces of its own; the subjects of
a scenario are the runs of that program.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from bench.measure import Reading
from bench.networks import LAB, Network
from bench.subject import BenchError, Program, Subject, program_version
from tunnel.lab import plan, topology_file
from tunnel.lab.lab import Lab

TURN_S = 300
IP, UNSHARE = Program("ip", "apt-get install iproute2"), Program("unshare", "apt-get install util-linux")
ALONE = [
    "unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc",
    "sh", "-c", 'mount -t tmpfs tmpfs /run && exec "$@"', "sh",
]  # fmt: skip
Measured = Callable[[], Reading]


class Builder(Protocol):
    """Builds a network in ``folder`` and takes it down; what is done in ``__init__`` is not measured."""

    def __init__(self, network: Network, folder: Path) -> None: ...

    def up(self) -> None:
        """Return when it is built."""

    def down(self) -> None:
        """Return when it is taken down, as far as the subject waits for that."""

    def open(self, name: str) -> int:
        """A descriptor of a namespace, the caller's."""

    def close(self) -> None:
        """Let go of what ``__init__`` made."""


class _Words:
    """Two command lines, for up and down; the namespaces have names."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.network, self.folder = network, folder
        self.up_words, self.down_words = self.words()

    def words(self) -> tuple[list[str], list[str]]:
        raise NotImplementedError

    def written(self, name: str, lines: list[str]) -> str:
        """The path of a new file of these lines."""
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    def up(self) -> None:
        _finished(self.up_words)

    def down(self) -> None:
        _finished(self.down_words)

    def open(self, name: str) -> int:
        return os.open(f"/run/netns/{LAB}-{name}", os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        pass


class Script(_Words):
    """A shell script, one ip(8) a command: ``ip -n``, links made with their far end in its namespace."""

    def words(self) -> tuple[list[str], list[str]]:
        up = ["set -e", *(f"ip netns add {LAB}-{name}" for name in self.network.names())]
        for bridge, (name, numbers) in enumerate(self.network.bridges()):
            inside = self.network.bridge_commands(bridge, name) + self.network.port_commands(name, numbers)
            up += [f"ip -n {LAB}-{name} {command}" for command in inside]
            for place, number in enumerate(numbers, 1):
                up += [f"ip -n {LAB}-n{number} {command}" for command in self.network.node_commands(bridge, place)]
        down = [f"ip netns delete {LAB}-{name}" for name in self.network.names()]
        return ["sh", self.written("up.sh", up)], ["sh", self.written("down.sh", down)]


class Batch(_Words):
    """The same with ``ip -batch``: one ip(8) for all names, one for each namespace."""

    def words(self) -> tuple[list[str], list[str]]:
        names = self.network.names()
        added = self.written("names", [f"netns add {LAB}-{name}" for name in names])
        removed = self.written("gone", [f"netns delete {LAB}-{name}" for name in names])
        up = ["set -e", f"ip -batch {added}"]
        for bridge, (name, numbers) in enumerate(self.network.bridges()):
            inside = self.network.bridge_commands(bridge, name) + self.network.port_commands(name, numbers)
            up.append(f"ip -n {LAB}-{name} -batch {self.written(name, inside)}")
            for place, number in enumerate(numbers, 1):
                commands = self.written(f"n{number}", self.network.node_commands(bridge, place))
                up.append(f"ip -n {LAB}-n{number} -batch {commands}")
        return ["sh", self.written("up.sh", up)], ["ip", "-batch", removed]


class Command(_Words):
    """``tunnel lab up`` and ``tunnel lab down``, the start of Python included."""

    def words(self) -> tuple[list[str], list[str]]:
        file = self.written("lab.toml", [self.network.file()])
        tunnel = [sys.executable, "-m", "tunnel", "lab"]
        return [*tunnel, "up", "--quiet", "--trust-file", file], [*tunnel, "down", file]


class Api:
    """The Python API with its holder running: a topology read, planned and built; cleared."""

    def __init__(self, network: Network, folder: Path) -> None:
        self.text = network.file()
        self.lab = Lab()

    def up(self) -> None:
        self.lab.carry_out(plan.steps(topology_file.parse(self.text).topology))

    def down(self) -> None:
        self.lab.clear()

    def open(self, name: str) -> int:
        net, mount = self.lab.open(name, "space", node=name)
        os.close(mount)
        return net

    def close(self) -> None:
        self.lab.close()


BUILDERS: dict[str, type[Builder]] = {
    "tunnel lab": Command, "tunnel API": Api, "script of ip": Script, "ip -batch": Batch,
}  # fmt: skip


def _finished(words: list[str]) -> None:
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()[-400:]}")


def turn(name: str, network: Network) -> Reading:
    """What ``bench.tools.lab_turn`` reads of a builder, in network, mount and pid namespaces that end with it."""
    words = [*ALONE, sys.executable, "-m", "bench.tools.lab_turn", name, f"{network.nodes}", f"{network.ports}"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=TURN_S)
    except subprocess.TimeoutExpired:
        raise BenchError(f"{name}: still running after {TURN_S} s") from None
    if done.returncode:
        raise BenchError(f"{name}: {done.stderr.strip()[-400:]}")
    reading: Reading = json.loads(done.stdout)
    return reading


def _ip_version() -> str:
    return program_version("ip", "-V")


SETTINGS: dict[str, tuple[str, Callable[[], str]]] = {
    "script of ip": ("sh, one ip a command: ip -n, far ends made in their namespace", _ip_version),
    "tunnel lab": ("tunnel lab up FILE, tunnel lab down FILE; the start of Python included", str),
    "tunnel API": ("the text of the file, read, planned and built by a holder that runs; no names outside", str),
    "ip -batch": ("sh, one ip -batch for each namespace and one for all names", _ip_version),
}


def subject(builder: str, network: Network, name: str) -> Subject[Measured]:
    """A builder and what it builds, called ``name``."""

    def build(_stack: ExitStack) -> Measured:
        return lambda: turn(builder, network)

    setting, version = SETTINGS[builder]
    return Subject(name, setting, build, version, (IP, UNSHARE))
