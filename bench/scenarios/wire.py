"""Two hosts joined: two TAPs and ``tunnel wire``, beside a bridge and switches."""

from __future__ import annotations

from bench.load import IPERF3, PING, between_hosts
from bench.measure import Reading, of_hosts
from bench.scenario import Length, Scenario
from bench.site import Hosts
from bench.subject import GCC
from bench.subjects import open_vswitch, wires

SIZES = (64, 1400)  # bytes of a datagram


def load(site: Hosts, length: Length) -> Reading:
    """Datagrams of both sizes, a TCP stream, pings, pings beside a stream, one after the other."""
    return between_hosts(site, SIZES, seconds=length.seconds, pings=length.pings)


SCENARIO = Scenario(
    title="two hosts joined",
    measures=of_hosts(*SIZES),
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
