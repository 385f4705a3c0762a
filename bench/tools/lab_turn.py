"""One turn of a lab's builder: ``python -m bench.tools.lab_turn BUILDER NODES PORTS``, readings as JSON.

It runs in a network and a mount namespace of its own, with an empty /run. The namespaces alone are built and
taken down first (``bare``), then the whole network (``up``), of which a sample is asked at once whether every
pair answers in both families (``first`` is the slowest first answer). It is gone (``down``) when observers say
so: links from here into some of the doomed namespaces, whose near ends the kernel removes with these.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure import Reading
from bench.networks import Network
from bench.subject import BenchError
from bench.subjects.labs import BUILDERS, Builder
from tunnel.lab import netns, space, within
from tunnel.lab.echoes import ask_all

DELLINK, RTMGRP_LINK = 17, 1  # include/uapi/linux/rtnetlink.h
HEADER = struct.Struct("=IHHII")
PATIENCE_S = 60.0


class Place:
    """A namespace, as ``ask_all`` wants a node."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def socket(self, family: int, kind: int, proto: int) -> socket.socket:
        """A socket of it."""
        return socket.socket(fileno=within.open_socket(self.fd, family, kind, proto))


@contextmanager
def opened(builder: Builder, names: list[str]) -> Iterator[dict[str, int]]:
    """Descriptors of namespaces, which would keep these from ending."""
    fds = {name: builder.open(name) for name in names}
    try:
        yield fds
    finally:
        for fd in fds.values():
            os.close(fd)


def proven(builder: Builder, network: Network) -> float:
    """How long the slowest first answer of the sample took, in ms; BenchError where one is missing."""
    addresses = network.sample()
    pairs = [(one, other) for one in addresses for other in addresses if one != other]
    with opened(builder, list(addresses)) as fds:
        places: Any = {name: Place(fd) for name, fd in fds.items()}
        found = ask_all(places, pairs, addresses, count=1, interval_s=1, timeout_s=PATIENCE_S)
    lost = [one for one in found if not one.received]
    if lost:
        raise BenchError(f"{len(lost)} of {len(found)} pairs do not answer, such as {lost[0]}")
    return 1e3 * max(one.rtts_s[0] for one in found)


def flooded(builder: Builder, network: Network) -> int:
    """Packets that bridges have sent to their ports so far."""
    bridges = [name for name, _ in network.bridges()]
    found = 0
    with opened(builder, bridges) as fds:
        for name, fd in fds.items():
            with netns.inside(fd):
                lines = Path("/proc/thread-self/net/dev").read_text().splitlines()[2:]
            counters = (line.split() for line in lines)
            found += sum(int(one[10]) for one in counters if one[0] not in ("lo:", f"{name}:"))
    return found


def kernel_s() -> float:
    """What all processors have spent in the kernel so far (proc_stat(5): system, irq, softirq), in seconds."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return (int(fields[3]) + int(fields[6]) + int(fields[7])) / os.sysconf("SC_CLK_TCK")


def observed(network: Network) -> list[str]:
    """Where observers stand: the first and last bridge, and the first, the middle and the last node."""
    bridges = [name for name, _ in network.bridges()]
    return [*dict.fromkeys((bridges[0], bridges[-1])), *(f"n{n}" for n in (0, network.nodes // 2, network.nodes - 1))]


def gone(builder: Builder, network: Network) -> float:
    """Takes the network down, until no observer is left, and then the last; seconds.

    The kernel cleans namespaces in turns, all that wait in one. The last observer stands in a namespace of its
    own, which is dropped when the turn of the others has begun: so it is cleaned when they all are.
    """
    last = space.new(lambda: None)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as heard:
        with opened(builder, observed(network)) as fds:
            for number, fd in enumerate((last.netns, *fds.values())):
                _watch(number, fd)
        heard.bind((0, RTMGRP_LINK))
        began = time.monotonic()
        builder.down()
        _await_removals(heard, len(fds))
        last.close()
        _await_removals(heard, 1)
        return time.monotonic() - began


def _watch(number: int, fd: int) -> None:
    far = f"/proc/{os.getpid()}/fd/{fd}"
    words = ["ip", "link", "add", f"watch{number}", "type", "veth", "peer", "name", "watch", "netns", far]
    subprocess.run(words, check=True)


def _await_removals(heard: socket.socket, left: int) -> None:
    waiter = select.poll()
    waiter.register(heard, select.POLLIN)
    while left:
        if not waiter.poll(1000 * PATIENCE_S):
            raise BenchError(f"{left} namespaces are still there after {PATIENCE_S:.0f} s")
        left -= HEADER.unpack_from(heard.recv(65536))[1] == DELLINK


def reading(kind: type[Builder], nodes: int, ports: int) -> Reading:
    """See the module."""
    found: Reading = {}
    with tempfile.TemporaryDirectory(dir="/run") as folder:
        bare, whole = Network(nodes, ports, linked=False), Network(nodes, ports)
        for network in (bare, whole):
            builder = kind(network, Path(folder))
            kernel = kernel_s()
            began = time.monotonic()
            builder.up()
            up = time.monotonic() - began
            if network is bare:
                found["bare"] = up
                gone(builder, network)
            else:
                found |= {"up": up, "kernel": kernel_s() - kernel, "flooded": flooded(builder, network)}
                found |= {"first": proven(builder, network), "down": gone(builder, network)}
            builder.close()
    return found | {"node": 1e3 * (found["up"] + found["down"]) / nodes}


def main() -> None:
    """See the module."""
    name, nodes, ports = sys.argv[1:]
    try:
        print(json.dumps(reading(BUILDERS[name], int(nodes), int(ports))))
    except BenchError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
