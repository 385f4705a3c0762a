"""Two hosts joined: two TAPs and ``tunnel wire``, beside a bridge and switches."""

from __future__ import annotations

from bench.load import IPERF3, PING, datagrams, ping, tcp
from bench.measure import CPU_S_PER_GB, GBIT_S, PING_AVG_US, PING_P99_US, Reading, kpps
from bench.scenario import Scenario
from bench.site import Hosts
from bench.subject import GCC
from bench.subjects import open_vswitch, wires


def load(site: Hosts, seconds: float) -> Reading:
    """Datagrams of 64 and 1,400 bytes, one TCP stream, pings, one after the other."""
    small, large = (datagrams(site, size, seconds) for size in (64, 1400))
    return tcp(site, seconds) | ping(site, seconds) | small | large


SCENARIO = Scenario(
    title="two hosts joined",
    measures=(GBIT_S, CPU_S_PER_GB, PING_AVG_US, PING_P99_US, kpps("udp_64"), kpps("udp_1400")),
    subjects=(
        wires.TUNNEL,
        wires.BRIDGE,
        wires.C_LOOP,
        open_vswitch.TUNED,
        open_vswitch.INSTALLED,
        wires.VDE,
    ),
    load=load,
    needs=(IPERF3, PING, GCC),
)
