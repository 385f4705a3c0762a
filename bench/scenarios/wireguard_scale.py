"""An end with 2,000 peers: handshakes a second, memory, and a large configuration beside traffic.

The peers are simulated (``bench/tools/peers.py``), and the far end answers each of them. Then datagrams of 64
bytes go through the tunnel at half the rate that was found before, beside pings, twice: undisturbed, and while
130,560 prefixes are set on one of the peers. ``lost`` and ``ping_p99`` are of the second, those of the first
are in the record as ``quiet_lost`` and ``quiet_p99``. ``memory`` is the far end's, all sessions up.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import IPv4Address

from bench.load import PING, PORT, datagrams, ping_reading, verified
from bench.measure import MEMORY_MB, PING_P99_US, Measure, Reading, kpps
from bench.scenario import Length, Scenario
from bench.site import UNDERLAY, Hosts
from bench.subject import GCC, BenchError, Module
from bench.subjects import wireguards
from bench.subjects.udp_tunnels import PORT as TUNNEL_PORT
from bench.tools import tool

PEERS = 2000
PREFIXES = 130_560
SET_WITHIN_S = 5
CRYPTOGRAPHY = Module("cryptography", "pip install cryptography")


def section(number: int, allowed: list[str]) -> str:
    """A simulated peer in a configuration file."""
    from bench.tools.peers import public

    return f"[Peer]\nPublicKey={public(number)}\nAllowedIPs={','.join(allowed)}\n"


def addresses(first: str, count: int) -> list[str]:
    """So many addresses from one on, as prefixes."""
    return [f"{IPv4Address(first) + number}/32" for number in range(count)]


def handshakes(site: Hosts) -> Reading:
    """Sessions with all peers: ``handshakes`` a second; BenchError unless the far end has each of them."""
    peers = "".join(section(number, [own]) for number, own in enumerate(addresses("10.100.0.0", PEERS)))
    wireguards.added(site, 1, peers)
    receiver = wireguards.shown(site, 1, "public-key")
    words = [sys.executable, "-m", "bench.tools.peers", UNDERLAY[1], f"{TUNNEL_PORT}", receiver, f"{PEERS}"]
    told = json.loads(site.near.run(*words, timeout_s=120))
    times = [line.split()[1] for line in wireguards.shown(site, 1, "latest-handshakes").splitlines()]
    if (met := len(times) - times.count("0")) < PEERS:
        raise BenchError(f"{met} of {PEERS} peers have a session")
    return {"handshakes": told["handshakes"] / told["seconds"]}


def paced(site: Hosts, rate: float, seconds: float, during: Callable[[], object]) -> tuple[float, float]:
    """Datagrams lost of a paced flow, and the 99th percentile of pings beside it in us, while something is done."""
    blast, to = tool("tools/blast.c"), ["-p", PORT, "-s", "64"]
    with ExitStack() as stack:
        sink = site.far.start(stack, blast, "sink", "-a", "0.0.0.0", *to)
        sink.await_until(lambda: "ready" in sink.output(), "ready sink")
        flow = site.near.start(
            stack, blast, "send", "-a", site.target, *to, "-t", f"{seconds}", "-r", f"{1000 * rate:.0f}"
        )
        count = f"{math.floor(seconds / 0.005)}"
        pings = site.near.start(stack, "ping", "-n", "-W", "1", "-i", "0.005", "-c", count, site.target)
        during()
        if "sent" in flow.output():
            raise BenchError(f"the set was not done after {seconds:.0f} s")
        sent = flow.finish(seconds + 10)
        counted = verified(sink.finish(seconds + 20), sent)
        p99 = ping_reading(pings.finish(seconds + 30), "x")["x_p99"]
    return json.loads(sent)["sent"] - counted["received"], p99


def load(site: Hosts, length: Length) -> Reading:
    """The rate, the sessions, then the flow undisturbed and disturbed."""
    rate = datagrams(site, 64, length.seconds)["udp_64"] / 2
    reading = handshakes(site) | {"paced": rate, MEMORY_MB.name: site.processes[1].resident_mb()}
    quiet = paced(site, rate, length.seconds, lambda: None)
    many = section(0, addresses("10.128.0.0", PREFIXES))

    def configured() -> None:
        began = time.monotonic()
        wireguards.added(site, 1, many)
        reading["set"] = time.monotonic() - began

    lost, p99 = paced(site, rate, length.seconds + SET_WITHIN_S, configured)
    return reading | {"quiet_lost": quiet[0], "quiet_p99": quiet[1], "lost": lost, PING_P99_US.name: p99}


SCENARIO = Scenario(
    title="an end with 2,000 peers, and 130,560 prefixes set beside traffic",
    measures=(
        Measure("handshakes", "1/s", digits=0),
        MEMORY_MB,
        kpps("paced"),
        Measure("set", "s", more=False),
        Measure("lost", "packets", more=False, digits=0),
        PING_P99_US,
    ),
    subjects=wireguards.EVERY,
    load=load,
    needs=(PING, GCC, CRYPTOGRAPHY),
    peer=wireguards.peer,
)
