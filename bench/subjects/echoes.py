"""What answers behind a TUN: ours natively and in Python, python-pytun, a bare C loop."""

from __future__ import annotations

import sys
from contextlib import ExitStack

from bench.site import Hosts, alone
from bench.subject import GCC, Module, Subject, distribution_version
from bench.subjects.tunnel import Tunnel
from bench.tools import BENCH, tool

NAME = "bench0"


class TunEcho(Subject[Hosts]):
    """A program that makes the TUN ``bench0`` and sends back what is sent into it."""

    def command(self) -> tuple[str, ...]:
        """What makes it and answers."""
        raise NotImplementedError

    def build(self, stack: ExitStack) -> Hosts:
        site = alone(stack)
        program = site.switch.start(stack, *self.command())
        site.processes.append(program)
        site.switch.await_link(NAME, program)
        site.near.ip(f"address add {site.source}/24 dev {NAME}", f"link set {NAME} up")
        site.settle()
        return site


class TunnelEcho(Tunnel, TunEcho):
    name = "tunnel"
    setting = "tunnel echo NAME --reflect-udp"

    def command(self) -> tuple[str, ...]:
        return self.tunnel("echo", NAME, "--reflect-udp")


class TunnelPython(Tunnel, TunEcho):
    name = "tunnel-python"
    setting = "a Python handler that decides per packet, acting by native verbs"

    def command(self) -> tuple[str, ...]:
        return self.tunnel("run", f"{BENCH}/subjects/verdict.toml")


class TunnelBusy(Tunnel, TunEcho):
    name = "tunnel-busy"
    setting = "the same Python handler beside a CPU-bound Python thread"

    def command(self) -> tuple[str, ...]:
        return self.tunnel("run", f"{BENCH}/subjects/busy.toml")


class PytunEcho(TunEcho):
    name = "pytun"
    setting = "python-pytun and uvloop, a plain callback that drains the TUN"
    needs = (Module("pytun", "pip install python-pytun"), Module("uvloop", "pip install uvloop"))

    def command(self) -> tuple[str, ...]:
        return (sys.executable, f"{BENCH}/peers/pytun_echo.py", NAME)

    def version(self) -> str:
        return distribution_version("python-pytun")


class CEcho(TunEcho):
    name = "c-loop"
    setting = "bare read and write, complete checksums"
    needs = (GCC,)
    options: tuple[str, ...] = ()

    def command(self) -> tuple[str, ...]:
        return (tool("peers/echo.c"), *self.options, NAME)

    def version(self) -> str:
        return ""


class CEchoOffload(CEcho):
    name = "c-loop-offload"
    setting = "bare read and write with virtio headers, checksums left to the kernel"
    options = ("-o",)
