"""Network namespaces without names.

A namespace lives as long as a file descriptor here or a process in it: nothing is left in
/run/netns, however the run ends, and the kernel removes the interfaces with it.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from contextlib import ExitStack

from bench.process import Running
from bench.subject import BenchError

CLONE_NEWNET = 0x40000000


class Netns:
    """One network namespace: commands and interfaces in it."""

    def __init__(self, stack: ExitStack) -> None:
        self._fd = _new_namespace()
        stack.callback(os.close, self._fd)
        self.path = f"/proc/{os.getpid()}/fd/{self._fd}"
        self.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6")
        self.ip("link set lo up")

    def command(self, *argv: str) -> list[str]:
        """The command line that runs ``argv`` here; it ends when the benchmark does."""
        return ["nsenter", f"--net={self.path}", "setpriv", "--pdeathsig", "TERM", *argv]

    def run(
        self, *argv: str, stdin: str = "", env: dict[str, str] | None = None, timeout_s: float = 30
    ) -> str:
        """Run to the end and return what it wrote; BenchError if it failed or took too long."""
        command = self.command(*argv)
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, text=True, check=False, env=env, timeout=timeout_s
            )
        except subprocess.TimeoutExpired:
            raise BenchError(f"{' '.join(argv)}: still running after {timeout_s:.0f} s") from None
        if done.returncode:
            raise BenchError(f"{' '.join(argv)}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def ip(self, *lines: str) -> None:
        """Commands of ip(8), in one process."""
        self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def start(self, stack: ExitStack, *argv: str, env: dict[str, str] | None = None) -> Running:
        """Start a process here; ``stack`` stops it."""
        return Running(stack, argv, self.command(*argv), env)

    def await_link(self, name: str, maker: Running) -> None:
        """Return once the interface is there; BenchError if its maker ends or takes too long."""
        maker.await_until(lambda: self._has_link(name), f"interface {name}")

    def _has_link(self, name: str) -> bool:
        asked = subprocess.run(self.command("ip", "link", "show", name), capture_output=True, check=False)
        return asked.returncode == 0


def _new_namespace() -> int:
    """The descriptor of a new namespace, made by a thread that ends in it."""
    made: list[int] = []
    thread = threading.Thread(target=_unshare, args=(made,))
    thread.start()
    thread.join()
    if not made:
        raise BenchError("network namespace: refused by the kernel; run as root")
    return made[0]


def _unshare(made: list[int]) -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) == 0:
        made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
