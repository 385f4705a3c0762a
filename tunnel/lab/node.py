"""``Node``: one network namespace of a lab, and everything to be done in it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tunnel.errors import LabError
from tunnel.lab.bridge_verbs import BridgeVerbs
from tunnel.lab.link_verbs import LinkVerbs
from tunnel.lab.route_verbs import RouteVerbs

if TYPE_CHECKING:
    from tunnel.lab.lab import Lab

RUN_TIMEOUT_S = 30.0


class Node(LinkVerbs, RouteVerbs, BridgeVerbs):
    """A network namespace, made by ``Lab.node``; interfaces go by their names.

    Attributes: ``name``; ``netns`` and ``mount``, descriptors of its namespaces for setns(2), which the lab
    closes; ``path`` of the first under /proc for programs that want one. Every method raises ``LabError``
    with node, interface and the kernel's words.
    """

    def __init__(self, lab: Lab, name: str) -> None:
        self._lab, self.name, self.where = lab, name, f"node {name}"
        self._space: tuple[int, int, str] | None = None

    def __repr__(self) -> str:
        return f"<Node {self.name}>"

    @property
    def netns(self) -> int:
        """A descriptor of its network namespace."""
        return self._spaces()[0]

    @property
    def mount(self) -> int:
        """A descriptor of its mount namespace, which has a /run of its own."""
        return self._spaces()[1]

    @property
    def path(self) -> str:
        """A path of its network namespace, good while the lab is up."""
        return self._spaces()[2]

    def _spaces(self) -> tuple[int, int, str]:
        """Fetched when first asked for: a lab may have more nodes than a program descriptors."""
        if self._space is None:
            held, (net, mount) = self._lab.fetch(f"node {self.name}", "space", node=self.name)
            self._space = net, mount, f"/proc/{self._lab.pid}/fd/{held}"
        return self._space

    def forget(self) -> None:
        """Lets go of the descriptors."""
        if self._space is not None:
            os.close(self._space[0])
            os.close(self._space[1])
        self._space = None

    def ask(self, what: str, op: str, *, beside: Node | None = None, **arguments: Any) -> Any:
        """Has the holder carry it out."""
        if beside is not None:
            arguments["peer"] = beside.name
        return self._lab.call(what, op, node=self.name, **arguments)

    def open(self, what: str, op: str, **arguments: Any) -> int:
        """Has the holder open it."""
        return self._lab.open(what, op, node=self.name, **arguments)[0]

    def entrance(
        self, command: Sequence[str | os.PathLike[str]], path: str | None
    ) -> tuple[list[str], tuple[int, ...]]:
        """The words that execute a program in this node, and the descriptors that they need; ``path`` is where
        it is looked for."""
        program = [os.fspath(word) for word in command]
        if "/" not in program[0] and shutil.which(program[0], path=path) is None:
            raise LabError(f"node {self.name}: {program[0]} is not installed; install it", errno.ENOENT)
        return self._lab.entrance({"net": self.netns, "mnt": self.mount}, program)

    def popen(self, command: Sequence[str | os.PathLike[str]], **options: Any) -> subprocess.Popen[Any]:
        """Starts a program in this node: ``options`` are those of ``subprocess.Popen``.

        It keeps the current folder, sees the node's private /run, and is killed with the lab. It is
        this process's child by its own process id.
        """
        words, fds = self.entrance(command, (options.get("env") or os.environ).get("PATH"))
        options["pass_fds"] = (*options.get("pass_fds", ()), *fds)
        process: subprocess.Popen[Any] = subprocess.Popen(words, **options)
        self._lab.started(process)
        return process

    def run(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        check: bool = True,
        text_input: str | None = None,
        timeout_s: float = RUN_TIMEOUT_S,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program in this node to its end, output captured as text.

        Raises ``LabError`` for an exit status other than 0 (unless ``check`` is false) and at the
        time-out, after which the program is killed.
        """
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with self.popen(command, text=True, **pipes) as process:
            try:
                out, err = process.communicate(text_input, timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                raise LabError(self.late(command, timeout_s)) from None
        return self.judged(command, process.returncode, out, err, check)

    def late(self, command: Sequence[str | os.PathLike[str]], timeout_s: float) -> str:
        """What is said of a program that was not done in time."""
        return f"{self._words(command)}: not done after {timeout_s} s; give it a longer timeout_s"

    def judged(
        self, command: Sequence[str | os.PathLike[str]], status: int, out: str, err: str, check: bool
    ) -> subprocess.CompletedProcess[str]:
        """What is made of a program that has ended, as ``run`` tells it."""
        if check and status:
            raise LabError(f"{self._words(command)}: ended with {status}: {(err or out).strip()}")
        return subprocess.CompletedProcess(list(command), status, out, err)

    def _words(self, command: Sequence[str | os.PathLike[str]]) -> str:
        return f"node {self.name}: {' '.join(map(str, command))}"
