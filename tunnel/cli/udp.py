"""``tunnel udp``: one interface, one peer, in the clear."""

from __future__ import annotations

from typing import Any

import click

from tunnel.cli.running import engine_options, interface, interface_options, serve
from tunnel.graph import Graph

MTU_MIN, MTU_MAX = 576, 65507      # of those that a udp_tunnel can keep to: RFC 791, one UDP datagram


@click.command()
@interface_options
@click.option("--listen", required=True, metavar="ADDR:PORT", help="Where to receive; [::]:PORT for all.")
@click.option("--peer", metavar="ADDR:PORT", help="Whom to send to; datagrams of others are dropped.")
@click.option("--learn", is_flag=True, help="The first that sends is the peer.")
@engine_options
def command(listen: str, peer: str | None, learn: bool, **options: Any) -> None:
    """Make the TUN NAME and carry its packets to a peer over UDP.

    With --mtu, larger packets that may not be fragmented are answered by ICMP, and the MSS of TCP is
    lowered to what fits (from 576 bytes on).

    This protects nothing: whoever sees the datagrams reads them, and can send their like.
    """
    if (peer is None) != learn:
        raise click.UsageError("expected either --peer or --learn", click.get_current_context())
    from tunnel.devices.udp import Udp
    from tunnel.handlers.udp_tunnel import UdpTunnel

    graph = Graph()
    medium = "ethernet" if options["tap"] else "ip"
    graph.add(UdpTunnel(peer=peer or "", learn=learn, medium=medium, mtu=_limit(options["mtu"])), "tunnel")
    graph.add(interface(options), "overlay")
    graph.add(Udp(listen=listen), "underlay")
    graph.link("overlay -- tunnel.overlay")
    graph.link("tunnel.underlay -- underlay")
    serve(graph, **options)


def _limit(mtu: int | None) -> int:
    """What the tunnel keeps to; 0 = nothing."""
    return min(mtu, MTU_MAX) if mtu and mtu >= MTU_MIN else 0
