"""Packets sent into a TUN and back: 64 and 1,300 bytes of payload in turn, flat out, and pings."""

from __future__ import annotations

from bench.load import PING, ping, reflected
from bench.measure import CPU_S_PER_MP, PING_AVG_US, PING_P99_US, Reading, kpps
from bench.scenario import Length, Scenario
from bench.site import Hosts
from bench.subject import GCC
from bench.subjects import echoes


def load(site: Hosts, length: Length) -> Reading:
    """The generator, then pings."""
    return reflected(site, "64,1300", length.seconds) | ping(site, length.pings)


SCENARIO = Scenario(
    title="packets returned from behind a TUN",
    measures=(kpps("returned"), kpps("offered"), CPU_S_PER_MP, PING_AVG_US, PING_P99_US),
    subjects=(
        echoes.TUNNEL,
        echoes.TUNNEL_PYTHON,
        echoes.TUNNEL_BUSY,
        echoes.TUNNEL_BESIDE,
        echoes.PYTHON_BUSY,
        echoes.PYTUN,
        echoes.C_LOOP,
        echoes.C_LOOP_OFFLOAD,
    ),
    load=load,
    needs=(PING, GCC),
)
