"""The engine process of a lab: one graph in which an ``Impair`` joins the two TAPs of each carried link.

It is ``tunnel run`` with TAPs that came open, so no rights are needed, and nothing of the engine is imported.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

from tunnel import runtime
from tunnel.errors import LabError
from tunnel.lab.process_requests import ProcessRequests

READY, READY_S = "running:", 20.0
SIDES = ("a", "b")

Taps = Mapping[tuple[str, str], int]  # the descriptor of a node's interface


def graph(links: list[dict[str, Any]], taps: Taps) -> str:
    """The engine's graph file; ``links`` as ``tunnel.lab.carried`` gives them."""
    lines: list[str] = []
    joints: list[str] = []
    for link in links:
        name = link["handler"]
        for side, (node, interface) in zip(SIDES, link["taps"], strict=True):
            lines += [f"[devices.{name}{side}]", 'type = "tap"', f"fd = {taps[node, interface]}"]
            joints.append(f"{name}{side} -- {name}.{side}")
        lines += [f"[handlers.{name}]", 'type = "impair"', *table(link["options"])]
    return "\n".join([*lines, "[graph]", f"links = {json.dumps(joints)}", ""])


def table(options: Mapping[str, Any]) -> list[str]:
    """Options as lines of TOML; a table among them becomes an inline one."""
    return [f"{key} = {value_text(value)}" for key, value in options.items()]


def value_text(value: Any) -> str:
    """Numbers and tables of numbers; JSON writes numbers as TOML does."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(table(value)) + " }"
    return json.dumps(value)


def start(programs: ProcessRequests, text: str, fds: list[int]) -> int:
    """Starts the engine and waits until its packets flow; its process id."""
    memory = os.memfd_create("graph.toml", os.MFD_CLOEXEC)
    try:
        os.write(memory, text.encode())
        words = [sys.executable, "-P", "-m", "tunnel", "run", "--trust-file", f"/proc/self/fd/{memory}"]
        pid = programs.op_start(None, words, dict(os.environ), "/", [*fds, memory])
        until = time.monotonic() + READY_S
        while READY not in (said := programs.op_output(pid))["text"]:
            if said["status"] is not None or time.monotonic() > until:
                raise LabError(f"the engine that carries links does not start: {said['text'].strip()}")
            programs.await_words(pid, until - time.monotonic())
    finally:
        os.close(memory)
    return pid


def connect(pid: int) -> int:
    """A connection to the engine's control socket, which lies in the holder's own /run."""
    with runtime.held(runtime.ROOTS_FOLDER) as place:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(f"{place}/engine-{pid}.sock")
        except OSError:
            sock.close()
            raise
        return sock.detach()
