"""Loads: what is put on a site, and the readings that it gives."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from contextlib import ExitStack

from bench.measure import Reading
from bench.site import Hosts
from bench.subject import BenchError, Program
from bench.tools import tool

IPERF3 = Program("iperf3", "apt-get install iperf3")
PING = Program("ping", "apt-get install iputils-ping")
PING_INTERVAL_S = 0.005
PINGS_LEAST = 20
PORT = "9000"
SPARE_S = 30  # beyond its own length, before a load is given up


def tcp(site: Hosts, seconds: float, *, streams: int = 1, back: bool = False) -> Reading:
    """iperf3 streams from near to far (``back``: from far to near): Gbit/s, and CPU in seconds a gigabyte.

    The names are ``tcp`` and ``cpu``, followed by the number of streams where there are several, and
    by ``_back``. ``cpu`` counts the subject's own processes; it is absent where there are none.
    """
    name = (f"{streams}" if streams > 1 else "") + ("_back" if back else "")
    options = ["-t", f"{math.ceil(seconds)}", "-P", f"{streams}", "--json", *(["-R"] if back else [])]
    with ExitStack() as stack:
        _serve_tcp(site, stack)
        before = site.cpu_seconds()
        told = _run(site, seconds, "iperf3", "-c", site.target, *options)
        used = site.cpu_seconds() - before
    total = json.loads(told)["end"]["sum_received"]
    reading = {f"tcp{name}": total["bits_per_second"] / 1e9}
    if site.processes:
        reading[f"cpu{name}"] = used / (total["bytes"] / 1e9)
    return reading


def _serve_tcp(site: Hosts, stack: ExitStack) -> None:
    """A server at the far host that takes one client."""
    server = site.far.start(stack, "iperf3", "--server", "--one-off", "--forceflush")
    server.await_until(lambda: "listening" in server.output(), "listening server")


def pings_in(seconds: float) -> int:
    """How many pings go into so long a time."""
    return max(PINGS_LEAST, round(seconds / PING_INTERVAL_S))


def ping(site: Hosts, count: int, name: str = "ping") -> Reading:
    """Pings every 5 ms: ``NAME_avg`` and ``NAME_p99`` in microseconds, of those that were answered."""
    command = ["ping", "-n", "-W", "1", "-i", f"{PING_INTERVAL_S}", "-c", f"{count}", site.target]
    return ping_reading(_run(site, count * PING_INTERVAL_S, *command), name)


def ping_loaded(site: Hosts, seconds: float) -> Reading:
    """Pings beside one TCP stream in the same direction: ``loaded_avg`` and ``loaded_p99``."""
    with ExitStack() as stack:
        _serve_tcp(site, stack)
        longer = f"{math.ceil(seconds) + SPARE_S}"
        stream = site.near.start(stack, "iperf3", "-c", site.target, "-t", longer, "--forceflush")
        stream.await_until(lambda: "bits/sec" in stream.output(), "first second of a stream")
        return ping(site, pings_in(seconds), "loaded")


def between_hosts(site: Hosts, sizes: Sequence[int], *, seconds: float, pings: int) -> Reading:
    """Datagrams of each size, pings, pings beside a stream, a TCP stream, one after the other."""
    reading: Reading = {}
    for size in sizes:
        reading |= datagrams(site, size, seconds)
    reading |= ping(site, pings) | ping_loaded(site, seconds)
    return reading | tcp(site, seconds)


def ping_reading(told: str, name: str) -> Reading:
    """The reading of ping's own lines, each of which tells one time in milliseconds."""
    times_us = sorted(1000 * float(time) for time in re.findall(r"time=([0-9.]+) ms", told))
    if not times_us:
        raise BenchError(f"ping: no answers: {told.strip()[-200:]}")
    p99 = times_us[math.ceil(0.99 * len(times_us)) - 1]
    return {f"{name}_avg": sum(times_us) / len(times_us), f"{name}_p99": p99}


def datagrams(site: Hosts, size: int, seconds: float) -> Reading:
    """Datagrams of ``size`` bytes flat out from near to far: ``udp_SIZE`` in kpps received."""
    blast = tool("tools/blast.c")
    with ExitStack() as stack:
        sink = site.far.start(stack, blast, "sink", *_to("0.0.0.0", f"{size}", seconds))
        sink.await_until(lambda: "ready" in sink.output(), "ready sink")
        sent = _run(site, seconds, blast, "send", *_to(site.target, f"{size}", seconds))
        told = sink.finish(seconds + 10)
    return {f"udp_{size}": verified(told, sent)["kpps"]}


def reflected(site: Hosts, sizes: str, seconds: float) -> Reading:
    """A mix of datagram sizes flat out to what sends them back: ``returned`` and ``offered`` in kpps.

    ``cpu`` is the subject's seconds a million packets returned, each of them verified.
    """
    blast = tool("tools/blast.c")
    before = site.cpu_seconds()
    told = _run(site, seconds, blast, "echo", *_to(site.target, sizes, seconds))
    used = site.cpu_seconds() - before
    counted = verified(told, told)
    return {
        "returned": counted["kpps"],
        "offered": counted["offered_kpps"],
        "cpu": used / (counted["received"] / 1e6),
    }


def _run(site: Hosts, seconds: float, *argv: str) -> str:
    return site.near.run(*argv, timeout_s=seconds + SPARE_S)


def _to(address: str, sizes: str, seconds: float) -> list[str]:
    return ["-a", address, "-p", PORT, "-s", sizes, "-t", f"{seconds}"]


def verified(told: str, sent: str) -> dict[str, float]:
    """The counts that a receiver told last; BenchError if a datagram came back altered."""
    counted: dict[str, float] = json.loads(told.strip().splitlines()[-1])
    if counted["corrupted"] or not counted["received"]:
        raise BenchError(f"blast: sent {sent.strip()}, received {told.strip()}")
    return counted
