"""Which devices of a graph lead to one that sends several packets at once, and what is added on the way."""

from __future__ import annotations

from tunnel.device import Device
from tunnel.graph import Graph
from tunnel.graph_sends import sends
from tunnel.handler import Handler
from tunnel.handlers.udp_tunnel import UdpTunnel


class Source(Device):
    """Brings packets one by one."""


class Sender(Device):
    """Sends several at once."""

    send_max = 65507


class Narrow(Sender):
    """Sends fewer."""

    send_max = 9000


class Joint(Handler):
    """Three ports."""

    ports = ("a", "b", "c")

    def __init__(self, overhead: int = 0) -> None:
        super().__init__()
        self.overhead = overhead  # type: ignore[misc]


def graph(*links: str, **nodes: Device | Handler) -> Graph:
    made = Graph()
    for name, node in nodes.items():
        made.add(node, name)  # type: ignore[type-var]
    for link in links:
        made.link(link)
    return made


def test_two_sources_joined_keep_what_the_kernel_does():
    assert sends(graph("a -- j.a", "j.b -- b", a=Source(), b=Source(), j=Joint())) == {}


def test_through_a_handler():
    found = sends(graph("a -- j.a", "j.b -- out", a=Source(), out=Sender(), j=Joint(32)))
    assert found == {"a": (65507, 32)}


def test_what_each_handler_adds_is_summed():
    links = "a -- i.a", "i.b -- j.a", "j.b -- out"
    assert sends(graph(*links, a=Source(), out=Sender(), i=Joint(), j=Joint(32))) == {"a": (65507, 32)}
    assert sends(graph(*links, a=Source(), out=Sender(), i=Joint(8), j=Joint(32))) == {"a": (65507, 40)}


def test_only_in_the_direction_of_the_links():
    assert sends(graph("out -> j.a", "j.b -> a", a=Source(), out=Sender(), j=Joint())) == {}


def test_the_tightest_of_several():
    links = "a -- j.a", "j.b -- out", "j.c -- narrow"
    assert sends(graph(*links, a=Source(), out=Sender(), narrow=Narrow(), j=Joint())) == {
        "a": (9000, 0), "out": (9000, 0), "narrow": (65507, 0),
    }


def test_circles_end():
    links = "a -> i.a", "i.b -> j.a", "j.b -> i.b", "j.c -> out"
    assert sends(graph(*links, a=Source(), out=Sender(), i=Joint(1), j=Joint(2))) == {"a": (65507, 3)}


def test_a_udp_tunnel():
    tunnel = UdpTunnel(peer="192.0.2.1:9000")
    made = graph("overlay -- t.overlay", "t.underlay -- wan", overlay=Source(), wan=Sender(), t=tunnel)
    assert sends(made) == {"overlay": (65507, 0)}
