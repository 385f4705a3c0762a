"""Two hosts on one cable of MTU 1500, and a tunnel of MTU 1420 over UDP between them."""

from __future__ import annotations

from bench.load import IPERF3, PING, between_hosts
from bench.measure import Reading, of_hosts
from bench.scenario import Length, Scenario
from bench.site import Hosts
from bench.subject import GCC
from bench.subjects import udp_tunnels, wireguards

SIZES = (64, 1300)  # bytes of a datagram


def load(site: Hosts, length: Length) -> Reading:
    """Datagrams of both sizes, a TCP stream, pings, pings beside a stream, one after the other."""
    return between_hosts(site, SIZES, seconds=length.seconds, pings=length.pings)


SCENARIO = Scenario(
    title="two hosts and a tunnel over UDP",
    measures=of_hosts(*SIZES),
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
