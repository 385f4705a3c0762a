"""A tunnel's throughput while a stranger sends 50,000 handshake initiations a second to its far end.

The stranger has a cable of its own to the far host. Three floods, one after the other, each beside one
TCP stream from near to far: to a closed port (``tcp_closed``: what the flood costs the host), with a wrong
first MAC (``tcp_wrong``), with a right one (``tcp_right``: any stranger who knows the public key can make
it). ``kept_wrong`` and ``kept_right`` are the last two divided by the first; ``offered`` is the least of
the three rates. Content is random, so no initiation is ever answered by a response.
"""

from __future__ import annotations

import base64
import json
import math
import tempfile
from contextlib import ExitStack

from bench.handshakes import INITIATION_SIZE, strangers
from bench.load import IPERF3, tcp
from bench.measure import Measure, Reading, gbit_s, kpps
from bench.netns import Netns
from bench.scenario import Length, Scenario
from bench.site import VISITOR, Hosts, visitor
from bench.subject import GCC, BenchError
from bench.subjects import wireguards
from bench.subjects.udp_tunnels import PORT
from bench.tools import tool

RATE = 50_000
KINDS = 4096  # different messages, sent over and over: none is valid, so none is a replay
CLOSED = PORT + 1
LEAST = 0.8  # of the rate: a flood below it has shown nothing
SPARE_S = 3


def flooded(site: Hosts, stranger: Netns, flood: bytes, port: int, seconds: float) -> tuple[float, float]:
    """TCP in Gbit/s beside the flood, and the flood's rate in thousands a second."""
    with ExitStack() as stack:
        file = stack.enter_context(tempfile.NamedTemporaryFile(prefix="bench-flood-"))
        file.write(flood)
        file.flush()
        words = f"-a {VISITOR[1]} -p {port} -s {INITIATION_SIZE} -r {RATE} -t {math.ceil(seconds) + SPARE_S}"
        program = stranger.start(stack, "sh", "-c", f"exec {tool('tools/flood.c')} {words} < {file.name}")
        program.await_until(lambda: "ready" in program.output(), "flood")
        found = tcp(site, seconds)["tcp"]
        told = program.finish(seconds + 30)
    offered = float(json.loads(told.strip().splitlines()[-1])["kpps"])
    if offered < LEAST * RATE / 1000:
        raise BenchError(f"flood: {offered} kpps instead of {RATE / 1000}: too little to tell anything")
    return found, offered


def load(site: Hosts, length: Length) -> Reading:
    """The three floods."""
    with ExitStack() as stack:
        stranger = visitor(stack, site)
        public = base64.b64decode(wireguards.shown(site, 1, "public-key"))
        floods = {"closed": (None, CLOSED), "wrong": (None, PORT), "right": (public, PORT)}
        found = {
            name: flooded(site, stranger, strangers(key, KINDS), port, length.seconds)
            for name, (key, port) in floods.items()
        }
    reading = {f"tcp_{name}": gbit for name, (gbit, _) in found.items()}
    reading |= {f"kept_{name}": found[name][0] / found["closed"][0] for name in ("wrong", "right")}
    return reading | {"offered": min(rate for _, rate in found.values())}


SCENARIO = Scenario(
    title="a tunnel beside a flood of handshakes",
    measures=(
        gbit_s("tcp_closed"),
        gbit_s("tcp_wrong"),
        gbit_s("tcp_right"),
        Measure("kept_wrong", "of 1"),
        Measure("kept_right", "of 1"),
        kpps("offered"),
    ),
    subjects=wireguards.EVERY,
    load=load,
    needs=(IPERF3, GCC),
    peer=wireguards.peer,
)
