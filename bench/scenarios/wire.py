"""Two hosts joined: two TAPs and ``tunnel wire``, beside a bridge and switches."""

from __future__ import annotations

from bench.load import IPERF3, PING, datagrams, ping, ping_loaded, tcp
from bench.measure import CPU_S_PER_GB, GBIT_S, LOADED_AVG_US, LOADED_P99_US, PING_AVG_US, PING_P99_US, Reading, kpps
from bench.scenario import Length, Scenario
from bench.site import Hosts
from bench.subject import GCC
from bench.subjects import open_vswitch, wires


def load(site: Hosts, length: Length) -> Reading:
    """Datagrams of 64 and 1,400 bytes, a TCP stream, pings, pings beside a stream, one after the other."""
    small, large = (datagrams(site, size, length.seconds) for size in (64, 1400))
    pings = ping(site, length.pings) | ping_loaded(site, length.seconds)
    return tcp(site, length.seconds) | pings | small | large


SCENARIO = Scenario(
    title="two hosts joined",
    measures=(
        GBIT_S,
        CPU_S_PER_GB,
        PING_AVG_US,
        PING_P99_US,
        LOADED_AVG_US,
        LOADED_P99_US,
        kpps("udp_64"),
        kpps("udp_1400"),
    ),
    subjects=(
        wires.TUNNEL,
        wires.TUNNEL_NO_OFFLOAD,
        wires.BRIDGE,
        wires.C_LOOP,
        open_vswitch.TUNED,
        open_vswitch.INSTALLED,
        wires.VDE,
    ),
    load=load,
    needs=(IPERF3, PING, GCC),
)
