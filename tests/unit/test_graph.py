"""Graphs built in Python: names and links."""

from __future__ import annotations

import pytest

from tests.unit.nodes import Cable, One, Two
from tunnel.devices.packet_socket import PacketSocket
from tunnel.devices.tuntap import Tap, Tun
from tunnel.devices.udp import Udp
from tunnel.errors import ConfigError
from tunnel.graph import Graph, Link


def joined() -> Graph:
    graph = Graph()
    graph.add(Cable(), "tap0")
    graph.add(One(), "one")
    graph.add(Two(), "two")
    return graph


def test_add_returns_what_it_was_given_and_names_it() -> None:
    graph, one = Graph(), One()
    assert graph.add(one, "first") is one
    assert (one.name, graph.handlers) == ("first", {"first": one})


def test_a_name_is_its_own_or_that_of_the_class() -> None:
    class UdpTunnel(Two):
        pass

    graph, named = Graph(), Cable()
    named.name = "tap7"
    graph.add(named)
    graph.add(Cable())
    graph.add(UdpTunnel())
    assert ([*graph.devices], [*graph.handlers]) == (["tap7", "cable"], ["udp_tunnel"])


@pytest.mark.parametrize("name", ["a b", "-a", "a/b", "x" * 65, "é", "a.b"])
def test_a_wrong_name(name: str) -> None:
    with pytest.raises(ConfigError, match=r"expected at most 64 letters, digits"):
        Graph().add(One(), name)


def test_a_device_may_have_the_name_of_a_vlan_interface() -> None:
    graph = joined()
    graph.add(Cable(), "eth0.100")
    assert graph.link("eth0.100 -> one") == [Link("eth0.100", 0, "one", 0)]


def test_a_name_in_use() -> None:
    with pytest.raises(ConfigError, match=r'name "tap0": in use'):
        joined().add(One(), "tap0")


def test_only_devices_and_handlers_are_added() -> None:
    with pytest.raises(TypeError, match=r"found a dict, expected a tunnel.Device or tunnel.Handler"):
        Graph().add({})  # type: ignore[type-var]


def test_links_go_one_way_or_both() -> None:
    graph = joined()
    assert graph.link("tap0 -- two.right") == [Link("tap0", 0, "two", 1), Link("two", 1, "tap0", 0)]
    assert graph.link("two.left   ->  one.in") == [Link("two", 0, "one", 0)]
    assert [graph.link_text(link) for link in graph.links] == [
        "tap0 -> two.right", "two.right -> tap0", "two.left -> one.in",
    ]


@pytest.mark.parametrize(("text", "expected"), [
    ("tap0--one", 'expected "NAME.PORT -- NAME.PORT" (both ways) or "->" (one way)'),
    ("tap0 -- one -- two.left", 'expected "NAME.PORT -- NAME.PORT"'),
    ("tap0 <- one", 'expected "NAME.PORT -- NAME.PORT"'),
    ("tap1 -- one", 'nothing is named "tap1" (did you mean "tap0"?), expected one of one, tap0, two'),
    ("tap0.x -- one", 'tap0 is a device, which has one port: expected "tap0"'),
    ("tap0 -- two", "two has 2 ports, expected one of two.left, two.right"),
    ("tap0 -- two.lfet", 'two has no port "lfet" (did you mean "left"?), expected one of two.left, two.right'),
])
def test_a_wrong_link(text: str, expected: str) -> None:
    graph = joined()
    with pytest.raises(ConfigError) as caught:
        graph.link(text)
    assert str(caught.value).startswith(f'link "{text}": ')
    assert expected in str(caught.value)
    assert graph.links == []


class Open(Cable):
    """A cable that strangers can send to."""

    exposed = True


class Told(Two):
    """Counts how often it is told that strangers reach it."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def exposed(self) -> None:
        self.times += 1


@pytest.mark.parametrize(
    ("links", "told"),
    [
        (["open -> near.left"], ["near"]),
        (["near.left -> open"], []),
        (["own -- near.left"], []),
        (["open -- near.left", "near.right -- far.left", "far.right -- own"], ["far", "near"]),
        (["open -- near.left", "near.right -- own", "own -> near.right"], ["near"]),
        (["open -- own", "own -> near.left"], []),
        (["open -> near.left", "near.right -> far.left", "far.left -> near.right"], ["far", "near"]),
    ],
)
def test_handlers_that_strangers_reach_are_told_once(links: list[str], told: list[str]) -> None:
    graph = Graph()
    graph.add(Open(), "open")
    graph.add(Cable(), "own")
    handlers: dict[str, Told] = {"far": Told(), "near": Told()}
    for name, handler in handlers.items():
        graph.add(handler, name)
    for link in links:
        graph.link(link)
    graph.expose()
    assert [name for name, handler in handlers.items() if handler.times == 1] == told
    assert sum(handler.times for handler in handlers.values()) == len(told)


def test_devices_that_strangers_can_send_to() -> None:
    assert [device.exposed for device in (Udp, PacketSocket, Tun, Tap)] == [True, True, False, False]
