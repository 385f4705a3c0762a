"""What the tunnels of the benchmark are set to."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from bench.subjects.udp_tunnels import MTU, SUPER_PACKET, End, graph
from tunnel.graph import Graph

UDP_SEND = 65507  # bytes of the largest IPv4 datagram, and of one UDP_SEGMENT send


def test_our_graph_is_one_that_loads():
    with ExitStack() as stack:
        *_, path = graph(stack, End(None, "192.0.2.1", "192.0.2.2", "10.77.0.1"))
        made = Graph.load(path)
        assert "dont_fragment = true" in Path(path).read_text()
    assert {made.link_text(link) for link in made.links} == {
        "tun0 -> tunnel.overlay",
        "tunnel.overlay -> tun0",
        "tunnel.underlay -> underlay",
        "underlay -> tunnel.underlay",
    }
    assert not Path(path).exists()


def test_a_super_packet_fills_one_send():
    packets = (SUPER_PACKET - 321) // (MTU - 52)
    assert packets * MTU <= UDP_SEND < (packets + 1) * MTU
