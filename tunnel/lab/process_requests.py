"""What a holder can be asked about the programs that belong to a lab: engines, and what its file runs.

They are the holder's children, so that they outlive the command that built the lab, end with the holder
(PR_SET_PDEATHSIG), and have somebody who knows how they ended. The last 64 KiB of what each says are kept.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tunnel.lab import netns, within
from tunnel.lab.holding import Holding
from tunnel.lab.processes import identity, net_of

OUTPUT = 64 * 1024  # bytes of it that are kept


@dataclass
class Program:
    """A program of the lab: its node and words, the reading end of its output, the last of what it said."""

    node: str | None
    command: list[str]
    process: subprocess.Popen[bytes]
    pipe: int
    said: bytearray = field(default_factory=bytearray)
    total: int = 0  # bytes said so far

    def listen(self) -> None:
        """Takes what it said meanwhile; without that its pipe would fill, and it would wait."""
        with suppress(BlockingIOError):
            while self.pipe >= 0:
                more = os.read(self.pipe, OUTPUT)
                if not more:
                    self.close()
                self.said += more
                self.total += len(more)
                del self.said[:-OUTPUT]

    def close(self) -> None:
        """Lets go of its output."""
        if self.pipe >= 0:
            os.close(self.pipe)
        self.pipe = -1


class ProcessRequests:
    """Requests about programs."""

    holding: Holding

    def forget_programs(self) -> None:
        """Begins anew: none runs."""
        self._programs: dict[int, Program] = {}

    def speaking(self) -> dict[int, Program]:
        """The programs that may yet say something, by the descriptor to watch."""
        return {one.pipe: one for one in self._programs.values() if one.pipe >= 0}

    def op_start(
        self, node: str | None, command: list[str], env: dict[str, str], folder: str, fds: Sequence[int] = ()
    ) -> int:
        """Starts a program in a node (None: beside them), in ``folder``; ``fds`` it inherits. Its process id.

        It is written down before it becomes that program: until then it waits at a gate.
        """
        self.holding.flush()
        pipe, theirs = os.pipe()
        gate, opening = os.pipe()
        try:
            process = self._enter(node, command, env, folder, theirs, gate, fds)
            if self.holding.journal:
                self.holding.journal.add("process", node=node, inode=net_of(process.pid), **identity(process.pid))
            os.write(opening, b"\n")
        except BaseException:
            os.close(pipe)
            raise
        finally:
            for fd in (theirs, gate, opening):
                os.close(fd)
        os.set_blocking(pipe, False)
        self._programs[process.pid] = Program(node, command, process, pipe)
        return process.pid

    def _enter(
        self, node: str | None, command: list[str], env: dict[str, str], folder: str, output: int, gate: int,
        fds: Sequence[int],
    ) -> subprocess.Popen[bytes]:  # fmt: skip
        spaces: dict[str, int] = {}
        if node is not None:
            one = self.holding.spaces[node]
            spaces = {"net": one.netns, "mnt": one.mount(netns.private_mount)}
        words = [f"{kind}={fd}" for kind, fd in {"gate": gate, **spaces}.items()]
        return subprocess.Popen(
            [sys.executable, "-I", "-S", netns.__file__, *words, "--", *command],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder, env=env,
            pass_fds=(gate, *spaces.values(), *fds), start_new_session=True,
        )  # fmt: skip

    def op_programs(self) -> list[dict[str, Any]]:
        """All programs started: node, command, pid, and the exit status, None while they run."""
        return [
            {"node": one.node, "command": one.command, "pid": pid, "status": one.process.poll()}
            for pid, one in self._programs.items()
        ]

    def op_output(self, pid: int, start: int = 0) -> dict[str, Any]:
        """What a program has said from a byte on, as far as that is kept; its exit status, None while it runs."""
        one = self._programs[pid]
        status = one.process.poll()  # before its last words are taken
        one.listen()
        kept = max(0, len(one.said) - (one.total - start))
        return {"status": status, "text": bytes(one.said[kept:]).decode(errors="replace"), "next": one.total}

    def await_words(self, pid: int, limit_s: float) -> None:
        """Waits until a program says something more, or ends."""
        select.select([self._programs[pid].pipe], [], [], max(0.0, limit_s))

    def end_programs(self) -> None:
        """Kills every program that was started here. What they left in the nodes goes with these; but a program
        that has only begun is in none yet, and would not be found there."""
        for one in self._programs.values():
            one.process.kill()
            one.process.wait()
            one.close()

    def op_ports(self, node: str, proto: str) -> list[int]:
        """The ports that are listened to (TCP) or bound (UDP) in a node."""
        return within.ports(self.holding.spaces[node].netns, proto)
