"""``tunnel-wg`` in the nodes of a lab, and the tools that configure it there."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from tests.netns.engines import PATIENCE_S, until
from tunnel.lab import Lab, Node

TOP = Path(__file__).parents[2]
SCRIPT = f"""#!{sys.executable}
import sys
sys.path.insert(0, {str(TOP)!r})
from tunnel.wg.program import main
sys.exit(main())
"""
CLIENT = """
import socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.connect(f"/var/run/wireguard/{sys.argv[1]}.sock")
sock.sendall(sys.stdin.buffer.read())
sock.shutdown(socket.SHUT_WR)
while data := sock.recv(1 << 16):
    sys.stdout.buffer.write(data)
"""
SOCKET = "/run/wireguard/{}.sock"


def needed(*tools: str) -> None:
    """Skip where one of them is not installed."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"no {tool}: apt install wireguard-tools iproute2 nftables")


class Foreground:
    """A program whose log is read by the test."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process, self.pid, self.log = process, process.pid, ""

    def says(self, text: str) -> str:
        """The line of its log that holds this text; what it said before is skipped."""
        assert self.process.stdout is not None
        until = monotonic() + PATIENCE_S
        while monotonic() < until:
            lines = self.log.splitlines(keepends=True)
            found = next((at for at, line in enumerate(lines) if text in line and line.endswith("\n")), None)
            if found is not None:
                self.log = "".join(lines[found + 1 :])
                return lines[found]
            if select.select([self.process.stdout], [], [], PATIENCE_S)[0]:
                more = os.read(self.process.stdout.fileno(), 4096)
                assert more, f"it ended, and did not say {text!r}: {self.log}{self.ended()}"
                self.log += more.decode()
        raise AssertionError(f"it did not say {text!r}, but {self.log!r}")

    def ended(self) -> tuple[int, str]:
        """Its exit status and what it said on stderr, once it has ended by itself; the rest of its log is read."""
        out, errors = self.process.communicate(timeout=PATIENCE_S)
        self.log += out.decode()
        return self.process.returncode, errors.decode()

    def end(self) -> None:
        """Close what is open."""
        if self.process.poll() is None:
            self.process.terminate()
        with suppress(ValueError):  # it was read to its end
            self.process.communicate(timeout=PATIENCE_S)


class Host:
    """A node with ``tunnel-wg`` on its PATH, before everything else."""

    def __init__(self, node: Node, folder: Path) -> None:
        self.node, self.folder, self.script = node, folder, folder / "tunnel-wg"
        self.script.write_text(SCRIPT)
        self.script.chmod(0o755)
        self._opened: list[Foreground] = []

    def run(self, *words: str, check: bool = True, text: str | None = None, **env: str) -> str:
        """What a program says on stdout, or, where it is to fail, its exit code and what it says on stderr."""
        done = self.node.run(self._with(env, words), check=check, text_input=text)
        return done.stdout if check else f"{done.returncode}: {done.stderr.strip()}"

    def foreground(self, name: str = "wg0", level: str = "verbose", **env: str) -> Foreground:
        """``tunnel-wg -f``; with the usual level of its log, it serves when this returns."""
        words = self._with({"LOG_LEVEL": level, **env}, ("tunnel-wg", "-f", name))
        pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
        made = Foreground(self.node.popen(words, stdin=subprocess.DEVNULL, **pipes))
        self._opened.append(made)
        if level == "verbose":
            made.says("serving")
        return made

    def ask(self, text: str, name: str = "wg0") -> str:
        """What the socket answers."""
        return self.run(sys.executable, "-c", CLIENT, name, text=text)

    def exists(self, name: str = "wg0") -> tuple[bool, bool]:
        """Interface and socket."""
        names = [line.split(":")[0].strip() for line in self.run("cat", "/proc/net/dev").splitlines()]
        return name in names, self.run("test", "-e", SOCKET.format(name), check=False).startswith("0")

    def ports(self) -> set[int]:
        """The ports of UDP sockets."""
        lines = [line.split() for line in self.run("cat", "/proc/net/udp6").splitlines()[1:]]
        return {int(words[1].rpartition(":")[2], 16) for words in lines}

    def pids(self) -> list[int]:
        """The processes of our program, in the background or not."""
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and self._is_ours(entry)]

    def end(self) -> None:
        """SIGTERM to all of them."""
        for pid in self.pids():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for process in self._opened:
            process.end()
        until(lambda: not self.pids())

    def _is_ours(self, entry: Path) -> bool:
        try:
            return os.fsencode(self.script) in (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            return False  # it ended meanwhile

    def _with(self, env: dict[str, str], words: tuple[str, ...]) -> list[str]:
        path = f"{self.folder}:{os.environ['PATH']}:/usr/sbin:/sbin"
        return ["env", f"PATH={path}", *(f"{name}={value}" for name, value in env.items()), *words]


@pytest.fixture
def host(lab: Lab, tmp_path: Path) -> Iterator[Host]:
    """A host on which nothing of us runs at the end."""
    made = Host(lab.node("host"), tmp_path)
    try:
        yield made
    finally:
        made.end()
