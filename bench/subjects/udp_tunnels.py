"""Tunnels over UDP between two hosts: ours, a bare C loop, the kernel's VXLAN.

Each makes an interface ``tun0`` in either host, with the same MTU, and leaves DF set on
the datagrams of the underlay.
"""

from __future__ import annotations

import json
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.netns import Netns
from bench.site import FAR, KERNEL_QUEUE, NEAR, QUEUE, UNDERLAY, Hosts, cabled
from bench.subject import GCC, Subject
from bench.subjects.tunnel import ours, tunnel, without_offloads
from bench.tools import tool

NAME = "tun0"
MTU = 1420
PORT = 7000
# The longest super-packet that fills one UDP_SEGMENT send of at most 65,507 bytes: 46 packets of MTU
# bytes, 1,368 of each being payload, and what the kernel keeps free for headers.
SUPER_PACKET = 46 * (MTU - 52) + 321
GRAPH = """
[devices.{name}]
type = "tun"
mtu = {mtu}

[devices.underlay]
type = "udp"
listen = "{here}:{port}"
dont_fragment = true

[handlers.tunnel]
type = "udp_tunnel"
peer = "{there}:{port}"
mtu = {mtu}

[graph]
links = ["{name} -- tunnel.overlay", "tunnel.underlay -- underlay"]
"""


@dataclass(frozen=True)
class End:
    """One end of the tunnel: its host, both ends' addresses below, its own above."""

    host: Netns
    here: str
    there: str
    address: str

    def up(self) -> None:
        """Give the interface address and MTU, and a longer queue unless its program chose one."""
        chosen = json.loads(self.host.run("ip", "-j", "link", "show", NAME))[0]["txqlen"]
        queue = QUEUE if chosen == KERNEL_QUEUE else chosen
        self.host.ip(f"address add {self.address}/24 dev {NAME}", f"link set {NAME} mtu {MTU} txqueuelen {queue} up")


def ends(site: Hosts) -> Iterator[End]:
    """The near and the far one."""
    yield End(site.near, UNDERLAY[0], UNDERLAY[1], NEAR)
    yield End(site.far, UNDERLAY[1], UNDERLAY[0], FAR)


def pair(
    command: Callable[[ExitStack, End], list[str]], env: dict[str, str] | None = None, setting: str = ""
) -> Callable[[ExitStack], Hosts]:
    """A ``build``: the command, once in each host, makes ``tun0``; ip(8) then sets ``setting`` on it."""

    def build(stack: ExitStack) -> Hosts:
        site = cabled(stack)
        for end in ends(site):
            program = end.host.start(stack, *command(stack, end), env=env)
            site.processes.append(program)
            end.host.await_link(NAME, program)
            if setting:
                end.host.ip(f"link set {NAME} {setting}")
            end.up()
        site.settle()
        return site

    return build


def graph(stack: ExitStack, end: End) -> list[str]:
    """``tunnel run`` with a graph file of this end."""
    file = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-tunnel-"))) / "graph.toml"
    file.write_text(GRAPH.format(name=NAME, mtu=MTU, port=PORT, here=end.here, there=end.there))
    return tunnel("run", str(file))


def c_loop(_stack: ExitStack, end: End) -> list[str]:
    """The bare loop of this end."""
    return [tool("peers/udp_loop.c"), NAME, end.here, end.there, f"{PORT}"]


def vxlan(stack: ExitStack) -> Hosts:
    """The kernel's VXLAN device in each host, which knows the other."""
    site = cabled(stack)
    for end in ends(site):
        way = f"local {end.here} remote {end.there} dstport 4789 dev eth0"
        end.host.ip(f"link add {NAME} type vxlan id 77 {way} df set")
        end.up()
    site.settle()
    return site


TUNNEL = ours(
    "tunnel",
    "tunnel run: tun, udp_tunnel, udp with dont_fragment; offloads on, uvloop",
    pair(graph),
)
TUNNEL_NO_OFFLOAD = ours(
    "tunnel-no-offload",
    "the same with TUNNEL_NO_OFFLOAD=all",
    pair(graph, without_offloads()),
)
C_LOOP = Subject(
    name="c-loop",
    setting=f"bare system calls, TSO, UDP_SEGMENT, UDP_GRO; gso_max_size {SUPER_PACKET} on its TUN",
    build=pair(c_loop, setting=f"gso_max_size {SUPER_PACKET}"),
    needs=(GCC,),
)
VXLAN = Subject(
    name="vxlan",
    setting="kernel VXLAN device: local and remote set, df set, UDP checksums and offloads as by default (on)",
    build=vxlan,
    version=platform.release,
)
