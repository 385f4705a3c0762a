"""Two hosts on one cable of MTU 1500, and an encrypted tunnel of MTU 1420 between them.

``cpu`` is user and system time of both ends' processes a gigabyte of one stream from near to far (that
of the other streams is in the record); ``memory`` what both hold at the end of a turn.
"""

from __future__ import annotations

from bench.load import IPERF3, PING, datagrams, ping, ping_loaded, tcp
from bench.measure import (
    CPU_S_PER_GB,
    GBIT_S,
    LOADED_AVG_US,
    LOADED_P99_US,
    MEMORY_MB,
    PING_AVG_US,
    PING_P99_US,
    Reading,
    gbit_s,
    kpps,
)  # fmt: skip
from bench.scenario import Length, Scenario
from bench.site import Hosts
from bench.subject import GCC
from bench.subjects import wireguards


def load(site: Hosts, length: Length) -> Reading:
    """One and four TCP streams each way, datagrams of 64 bytes, pings, pings beside a stream; one after the other."""
    reading = datagrams(site, 64, length.seconds)
    for streams in (1, 4):
        for back in (False, True):
            reading |= tcp(site, length.seconds, streams=streams, back=back)
    reading |= ping(site, length.pings) | ping_loaded(site, length.seconds)
    return reading | {MEMORY_MB.name: site.resident_mb()}


SCENARIO = Scenario(
    title="two hosts and a tunnel that speaks the WireGuard protocol",
    measures=(
        GBIT_S,
        gbit_s("tcp_back"),
        gbit_s("tcp4"),
        gbit_s("tcp4_back"),
        kpps("udp_64"),
        PING_AVG_US,
        PING_P99_US,
        LOADED_AVG_US,
        LOADED_P99_US,
        CPU_S_PER_GB,
        MEMORY_MB,
    ),
    subjects=wireguards.EVERY,
    load=load,
    needs=(IPERF3, PING, GCC),
    peer=wireguards.peer,
)
