"""Two TAPs joined, or what people use in their place: ours, the C loop, the kernel's bridge, VDE."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable
from contextlib import ExitStack

from bench.site import Hosts, adopt, cable, hosts
from bench.subject import GCC, Program, Subject, program_version
from bench.subjects.tunnel import ours, tunnel, without_offloads
from bench.tools import tool

TAPS = ("wire1", "wire2")


def tap_pair(
    command: Callable[[ExitStack], list[str]], env: dict[str, str] | None = None
) -> Callable[[ExitStack], Hosts]:
    """A ``build``: the command makes and joins the TAPs ``wire1`` and ``wire2``; each host gets one."""

    def build(stack: ExitStack) -> Hosts:
        site = hosts(stack)
        program = site.switch.start(stack, *command(stack), env=env)
        site.processes.append(program)
        for name in TAPS:
            site.switch.await_link(name, program)
        adopt(site, *TAPS)
        site.settle()
        return site

    return build


def vde_switch(stack: ExitStack) -> list[str]:
    """A switch with its control socket in a temporary folder."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-vde-"))
    return ["vde_switch", "-s", f"{folder}/ctl", "-t", TAPS[0], "-t", TAPS[1]]


def bridge(stack: ExitStack) -> Hosts:
    """A veth pair from each host to a bridge."""
    site = hosts(stack)
    cable(site, offload=True)
    site.switch.ip("link add br0 type bridge", "link set br0 up")
    site.switch.ip("link set port1 master br0", "link set port2 master br0")
    site.settle()
    return site


TUNNEL = ours(
    "tunnel",
    "tunnel wire A B: offloads on, uvloop",
    tap_pair(lambda _stack: tunnel("wire", *TAPS)),
)
TUNNEL_NO_OFFLOAD = ours(
    "tunnel-no-offload",
    "tunnel wire A B: TUNNEL_NO_OFFLOAD=all, uvloop",
    tap_pair(lambda _stack: tunnel("wire", *TAPS), without_offloads()),
)
C_LOOP = Subject(
    name="c-loop",
    setting="bare read and write between two TAPs, offloads on",
    build=tap_pair(lambda _stack: [tool("peers/loop.c"), *TAPS]),
    needs=(GCC,),
)
BRIDGE = Subject(
    name="bridge",
    setting="kernel bridge on two veth pairs, offloads on",
    build=bridge,
    version=platform.release,
)
VDE = Subject(
    name="vde",
    setting="vde_switch with two TAPs, as installed",
    build=tap_pair(vde_switch),
    version=lambda: program_version("vde_switch", "--version"),
    needs=(Program("vde_switch", "apt-get install vde2"),),
)
