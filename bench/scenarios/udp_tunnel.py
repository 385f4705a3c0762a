"""Two hosts on one cable of MTU 1500, and a tunnel of MTU 1420 over UDP between them."""

from __future__ import annotations

from bench.load import IPERF3, PING, datagrams, ping, ping_loaded, tcp
from bench.measure import CPU_S_PER_GB, GBIT_S, LOADED_AVG_US, LOADED_P99_US, PING_AVG_US, PING_P99_US, Reading, kpps
from bench.scenario import Length, Scenario
from bench.site import Hosts
from bench.subject import GCC
from bench.subjects import udp_tunnels, wireguards


def load(site: Hosts, length: Length) -> Reading:
    """Datagrams of 64 and 1,300 bytes, a TCP stream, pings, pings beside a stream, one after the other."""
    small, large = (datagrams(site, size, length.seconds) for size in (64, 1300))
    pings = ping(site, length.pings) | ping_loaded(site, length.seconds)
    return tcp(site, length.seconds) | pings | small | large


SCENARIO = Scenario(
    title="two hosts and a tunnel over UDP",
    measures=(
        GBIT_S,
        CPU_S_PER_GB,
        PING_AVG_US,
        PING_P99_US,
        LOADED_AVG_US,
        LOADED_P99_US,
        kpps("udp_64"),
        kpps("udp_1300"),
    ),
    subjects=(
        udp_tunnels.TUNNEL,
        udp_tunnels.TUNNEL_NO_OFFLOAD,
        udp_tunnels.C_LOOP,
        udp_tunnels.VXLAN,
        wireguards.WIREGUARD_GO,
    ),
    load=load,
    needs=(IPERF3, PING, GCC),
)
