"""A WireGuard end: a program, its interface in a node, keys of its own, and ``wg`` to configure it."""

from __future__ import annotations

import base64
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.netns.engines import until
from tunnel.lab import Lab, Node

VARIABLE = "TUNNEL_INTEROP_PROGRAM"  # a program to be tried in the place of ours
THEIRS = "wireguard-go"
INSTALL = {
    "wireguard-go": "wireguard-go",
    "wg": "wireguard-tools",
    "wg-quick": "wireguard-tools",
    "nft": "nftables",
    "ping": "iputils-ping",
    "ip": "iproute2",
    "ss": "iproute2",
    "tshark": "tshark",
}
ENDS_S = 10.0


def ours() -> str:
    """The program under test: ``tunnel-wg`` of this environment, or what the variable names."""
    return os.environ.get(VARIABLE) or str(Path(sys.executable).with_name("tunnel-wg"))


def substituted() -> bool:
    """Whether another program stands in the place of ours."""
    return VARIABLE in os.environ


def require(*programs: str) -> None:
    """Fails with the line that installs what is missing."""
    for program in programs:
        line = f"apt-get install --no-install-recommends {INSTALL[program]}" if program in INSTALL else "make build"
        assert shutil.which(program), f"{program} is missing: {line}"


def public_of(private: str) -> str:
    """The public key of a private one, both in base64."""
    done = subprocess.run(["wg", "pubkey"], input=private, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def fresh_key() -> str:
    """A random private (or preshared) key in base64; ``wg`` and programs clamp it."""
    return base64.b64encode(os.urandom(32)).decode()


@dataclass(frozen=True)
class PeerLine:
    """A peer in ``wg show NAME dump``: endpoint or ``(none)``, bytes, seconds of the last handshake."""

    endpoint: str
    allowed: tuple[str, ...]
    handshake_s: int
    rx: int
    tx: int


class End:
    """One program with one interface; made by ``started``.

    Attributes: ``node`` in which the program and its sockets are, ``home`` in which the interface is,
    ``name``, ``private`` and ``public`` keys, ``port``, ``configured``, ``program``, ``process``.
    """

    def __init__(self, lab: Lab, node: Node, program: str, name: str, port: int, **options: Any) -> None:
        self.lab, self.node, self.home, self.name, self.port = lab, node, node, name, port
        self.program, self.private, self.configured = program, fresh_key(), False
        self.public = public_of(self.private)
        env = {**os.environ, "WG_PROCESS_FOREGROUND": "1", "LOG_LEVEL": "error", **options.get("env", {})}
        self.process = node.popen(
            [program, "-f", name], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        until(self.listens)

    @property
    def control(self) -> Path:
        """The control socket as this process sees it: the node has a /run of its own."""
        return Path("/proc", str(self.process.pid), "root", "run", "wireguard", f"{self.name}.sock")

    def listens(self) -> bool:
        """Whether the control socket takes a connection; asserts that the program has not ended."""
        assert self.process.poll() is None, self.process.stdout.read()
        with socket.socket(socket.AF_UNIX) as sock, suppress(FileNotFoundError, ConnectionRefusedError):
            sock.connect(str(self.control))
            return True
        return False

    def wg(self, *words: str, text: str | None = None) -> str:
        """``wg WORDS`` in the program's node, which must succeed; what it prints."""
        return self.node.run(["wg", *words], text_input=text).stdout.strip()

    def set(self, *words: str, text: str | None = None) -> None:
        """``wg set NAME WORDS``; ``text`` is for a key behind ``/dev/stdin``."""
        self.wg("set", self.name, *words, text=text)

    def show(self, what: str) -> str:
        """``wg show NAME WHAT``."""
        return self.wg("show", self.name, what)

    def configure(self, *peers: str) -> None:
        """``wg setconf`` with this end's key and port, and these sections of peers."""
        self.configured = True
        head = f"[Interface]\nPrivateKey = {self.private}\nListenPort = {self.port}\n"
        self.wg("setconf", self.name, "/dev/stdin", text=head + "".join(peers))

    def peer(self, other: End | str) -> PeerLine:
        """What this end says of a peer."""
        key = other if isinstance(other, str) else other.public
        lines = [line.split("\t") for line in self.show("dump").splitlines()[1:]]
        found = next(line for line in lines if line[0] == key)
        return PeerLine(found[2], tuple(found[3].split(",")), int(found[4]), int(found[5]), int(found[6]))

    def move(self, home: Node) -> None:
        """Moves the interface to another node; the sockets stay."""
        self.home.move(self.name, home)
        self.home = home

    def address(self, *addresses: str, mtu: int = 1420) -> None:
        """Gives the interface addresses and sets it up; whoever was told its port may be spoken to at once."""
        self.home.address(self.name, *addresses)
        self.home.set(self.name, mtu=mtu)
        self.home.up(self.name)
        if self.configured:
            until(self.is_open)

    def is_open(self) -> bool:
        """Whether its port is taken: a program opens it some time after the link is up."""
        return bool(self.node.run(["ss", "-Hlun", f"sport = :{self.port}"]).stdout)

    def cpu_s(self) -> float:
        """What the program has used of the processor so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ended(self) -> None:
        """Waits for its end, which must be a good one that takes the control socket along."""
        said, _ = self.process.communicate(timeout=ENDS_S)
        assert self.process.returncode == 0, f"{self.program} ended with {self.process.returncode}: {said}"
        assert not self.control.exists()

    def stop(self) -> None:
        """SIGTERM, unless it has ended."""
        if self.process.poll() is None:
            self.process.terminate()
            self.ended()


def peer_section(
    other: End | str, allowed: Sequence[str], *, endpoint: str = "", psk: str = "", keepalive: int = 0
) -> str:
    """A [Peer] of a configuration file."""
    lines = [f"PublicKey = {other if isinstance(other, str) else other.public}", f"AllowedIPs = {', '.join(allowed)}"]
    lines += [f"Endpoint = {endpoint}"] if endpoint else []
    lines += [f"PresharedKey = {psk}"] if psk else []
    lines += [f"PersistentKeepalive = {keepalive}"] if keepalive else []
    return "\n".join(["[Peer]", *lines, ""])


@contextmanager
def started(lab: Lab, node: Node, program: str, name: str, *, port: int = 51820, **options: Any) -> Iterator[End]:
    """An end that is stopped at the end of the block. ``env`` adds to the program's environment."""
    require(program, "wg", "ss")
    end = End(lab, node, program, name, port, **options)
    try:
        yield end
    finally:
        if sys.exc_info()[0] is None:
            end.stop()
        elif end.process.poll() is None:
            end.process.kill()
            end.process.communicate()
