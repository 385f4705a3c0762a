"""What answers behind a TUN: ours natively and in Python, python-pytun, a bare C loop."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable
from contextlib import ExitStack

from bench.site import QUEUE, Hosts, alone
from bench.subject import GCC, Module, Subject
from bench.subjects.tunnel import ours, tunnel
from bench.tools import BENCH, tool

NAME = "bench0"


def behind_tun(command: Callable[[], list[str]]) -> Callable[[ExitStack], Hosts]:
    """A ``build``: the command makes the TUN ``bench0`` and sends back what is sent into it."""

    def build(stack: ExitStack) -> Hosts:
        site = alone(stack)
        program = site.switch.start(stack, *command())
        site.processes.append(program)
        site.switch.await_link(NAME, program)
        site.near.ip(f"address add {site.source}/24 dev {NAME}", f"link set {NAME} txqueuelen {QUEUE} up")
        site.settle()
        return site

    return build


def beside_another(build: Callable[[ExitStack], Hosts]) -> Callable[[ExitStack], Hosts]:
    """The same ``build`` while another process computes: what sharing the cores costs by itself."""

    def both(stack: ExitStack) -> Hosts:
        site = build(stack)
        site.switch.start(stack, sys.executable, "-c", "while True: pass")
        return site

    return both


TUNNEL = ours(
    "tunnel",
    "tunnel echo NAME --reflect-udp",
    behind_tun(lambda: tunnel("echo", NAME, "--reflect-udp")),
)
TUNNEL_PYTHON = ours(
    "tunnel-python",
    "a Python handler that decides per packet, acting by native verbs",
    behind_tun(lambda: tunnel("run", f"{BENCH}/subjects/verdict.toml")),
)
TUNNEL_BUSY = ours(
    "tunnel-busy",
    "tunnel echo beside a CPU-bound Python thread in its process",
    behind_tun(lambda: tunnel("run", f"{BENCH}/subjects/native_busy.toml")),
)
TUNNEL_BESIDE = ours(
    "tunnel-beside",
    "tunnel echo, and a process of its own that computes",
    beside_another(TUNNEL.build),
)
PYTHON_BUSY = ours(
    "python-busy",
    "the Python handler beside a CPU-bound Python thread in its process",
    behind_tun(lambda: tunnel("run", f"{BENCH}/subjects/python_busy.toml")),
)
PYTUN = Subject(
    name="pytun",
    setting="python-pytun and uvloop, a plain callback that drains the TUN",
    build=behind_tun(lambda: [sys.executable, f"{BENCH}/peers/pytun_echo.py", NAME]),
    version=lambda: importlib.metadata.version("python-pytun"),
    needs=(Module("pytun", "pip install python-pytun"), Module("uvloop", "pip install uvloop")),
)
C_LOOP = Subject(
    name="c-loop",
    setting="bare read and write, complete checksums",
    build=behind_tun(lambda: [tool("peers/echo.c"), NAME]),
    needs=(GCC,),
)
C_LOOP_OFFLOAD = Subject(
    name="c-loop-offload",
    setting="bare read and write with virtio headers, checksums left to the kernel",
    build=behind_tun(lambda: [tool("peers/echo.c"), "-o", NAME]),
    needs=(GCC,),
)
