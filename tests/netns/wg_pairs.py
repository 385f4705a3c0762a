"""Two hosts with a ``tunnel-wg`` each, whose constants may be squeezed, over a cable or a line that may be bad."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.netns.engines import running
from tests.netns.loads import acquaint
from tests.netns.sites import between, cabled, graph
from tests.netns.wg_programs import SCRIPT, Host
from tests.oracles.noise import public
from tunnel.lab import Lab, Node

IMPORTS = "from tunnel.handlers.wireguard import WireGuard\nfrom tunnel.protocols.wireguard.constants import Limits\n"
PRIVATE = (bytes(range(0x40, 0x60)), bytes(range(0x80, 0xA0)))
OUTER, INNER = "192.0.2.{}", "10.8.0.{}"
PORT = 51820


def squeezed(limits: str) -> str:
    """The program with other limits than the protocol's: keyword arguments of ``Limits``, as text."""
    made = SCRIPT.replace("main()", f"main(make=lambda: WireGuard(limits=Limits({limits})))")
    return made.replace("from tunnel.wg", IMPORTS + "from tunnel.wg")


class Side:
    """One host; its interface is wg1 or wg2."""

    def __init__(self, lab: Lab, node: Node, folder: Path, number: int, limits: str) -> None:
        self.lab, self.node, self.number, self.name = lab, node, number, f"wg{number}"
        folder.mkdir()
        self.host = Host(node, folder)
        self.host.script.write_text(squeezed(limits))
        self.process = self.host.foreground(self.name)
        self.host.ask(f"set=1\nprivate_key={PRIVATE[number - 1].hex()}\nlisten_port={PORT}\n"
                      f"public_key={public(PRIVATE[2 - number]).hex()}\nendpoint={OUTER.format(3 - number)}:{PORT}\n"
                      f"allowed_ip={INNER.format(3 - number)}/32\n\n", self.name)  # fmt: skip
        node.address(self.name, f"{INNER.format(number)}/24")
        node.up(self.name)
        self.process.says("link up")

    def handshake(self) -> str:
        """When the last handshake was, as the program says it."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(Path("/proc", str(self.process.pid), "root", "run", "wireguard", f"{self.name}.sock")))
            sock.sendall(b"get=1\n\n")
            answer = b""
            while not answer.endswith(b"\n\n"):
                answer += sock.recv(1 << 16)
        lines = answer.decode().splitlines()
        return " ".join(line for line in lines if line.startswith("last_handshake_time"))


@contextmanager
def sides(lab: Lab, folder: Path, line: str = "", limits: str = "") -> Iterator[tuple[Side, Side]]:
    """West and east, acquainted. ``line``: options of what impairs the datagrams between them, both ways."""
    with ExitStack() as stack:
        west, east = stack.enter_context(impaired(lab, folder, line)) if line else cabled(lab, "192.0.2.{}/24")
        made = []
        for number, node in enumerate((west, east), 1):
            made.append(Side(lab, node, folder / node.name, number, limits))
            stack.callback(made[-1].host.end)
        yield made[0], made[1]


@contextmanager
def impaired(lab: Lab, folder: Path, line: str) -> Iterator[tuple[Node, Node]]:
    """West and east with a TAP each, ``ta`` and ``tb``, of an engine between them."""
    switch, west, east = lab.node("switch"), lab.node("west"), lab.node("east")
    with running(switch, "run", graph(folder, between("line", "impair", {"ta": "tap", "tb": "tap"}, line))) as engine:
        for number, (node, interface) in enumerate(((west, "ta"), (east, "tb")), 1):
            switch.move(interface, node)
            node.address(interface, OUTER.format(number) + "/24")
            node.up(interface)
        acquaint(west, east, ("ta", "tb"), (OUTER.format(1), OUTER.format(2)))
        yield west, east
        assert engine.stop()["handlers"]["line"]["drops"]["LOST"]["packets"] > 0
