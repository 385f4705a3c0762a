"""Two TAPs joined, or what people use in their place: ours, the C loop, the kernel's bridge."""

from __future__ import annotations

import os
from contextlib import ExitStack

from bench.site import Hosts, adopt, cable, hosts
from bench.subject import GCC, Subject
from bench.subjects.tunnel import Tunnel
from bench.tools import tool


class TapPair(Subject[Hosts]):
    """A program that makes two TAPs, ``wire1`` and ``wire2``, and joins them."""

    def command(self) -> tuple[str, ...]:
        """What makes and joins them."""
        raise NotImplementedError

    def build(self, stack: ExitStack) -> Hosts:
        site = hosts(stack)
        program = site.switch.start(stack, *self.command())
        site.processes.append(program)
        for name in ("wire1", "wire2"):
            site.switch.await_link(name, program)
        adopt(site, "wire1", "wire2")
        site.settle()
        return site


class TunnelWire(Tunnel, TapPair):
    name = "tunnel"
    setting = "tunnel wire A B: offloads on, uvloop"

    def command(self) -> tuple[str, ...]:
        return self.tunnel("wire", "wire1", "wire2")


class CLoop(TapPair):
    name = "c-loop"
    setting = "bare read and write between two TAPs, offloads on"
    needs = (GCC,)

    def command(self) -> tuple[str, ...]:
        return (tool("peers/loop.c"), "wire1", "wire2")

    def version(self) -> str:
        return ""


class Bridge(Subject[Hosts]):
    name = "bridge"
    setting = "kernel bridge on two veth pairs, offloads on"

    def build(self, stack: ExitStack) -> Hosts:
        site = hosts(stack)
        cable(site, offload=True)
        site.switch.ip(
            "link add br0 type bridge",
            "link set br0 up",
            "link set port1 master br0",
            "link set port2 master br0",
        )
        site.settle()
        return site

    def version(self) -> str:
        return os.uname().release
