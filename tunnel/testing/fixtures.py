"""pytest fixtures: hosts in namespaces of their own, on a wire that is silent but for the test.

In the ``conftest.py`` of a project:

    pytest_plugins = ["tunnel.testing.fixtures"]

and in a test:

    def test_forwards(two_hosts):
        left, right = two_hosts
        left.node.run(["ping", "-c", "1", right.ipv4])

They work as root and, where user namespaces are allowed, without; elsewhere such a test is skipped, with the
kernel's reason. ``tunnel_lab`` is the lab they stand in, empty at the beginning of each test.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tunnel.errors import LabError
from tunnel.lab import Lab, Node
from tunnel.testing.silence import hush

NO_RIGHTS = (errno.EPERM, errno.EACCES, errno.ENOSPC)


class Host(NamedTuple):
    """A node with one ``interface``: its Ethernet address, and its addresses without prefix (/24 and /64)."""

    node: Node
    interface: str
    mac: str
    ipv4: str
    ipv6: str


class TwoHosts(NamedTuple):
    """Two hosts on one wire."""

    left: Host
    right: Host


@pytest.fixture(scope="session")
def tunnel_lab_of_session() -> Iterator[Lab]:
    """The one lab of a session, since its start costs as much as many a test."""
    try:
        lab = Lab()
    except LabError as error:
        if error.errno in NO_RIGHTS:
            pytest.skip(f"no network namespaces here: {error}")
        raise
    with lab:
        yield lab


@pytest.fixture
def tunnel_lab(tunnel_lab_of_session: Lab) -> Iterator[Lab]:
    """An empty lab; what a test makes in it is gone afterwards, with every program that runs there."""
    yield tunnel_lab_of_session
    tunnel_lab_of_session.clear()


@pytest.fixture
def two_hosts(tunnel_lab: Lab) -> TwoHosts:
    """Two nodes joined by a veth pair, both ends up, each with an address of both families and the other's
    neighbour entries. Nothing but what a test sends is on the wire: neither end asks for routers or neighbours,
    reports its groups, or has a link-local address.

    Both answer as ever: ARP, neighbour solicitations, pings.
    """
    left, right = (_host(tunnel_lab, number, name) for number, name in enumerate(("left", "right"), 1))
    tunnel_lab.link((left.node, left.interface), (right.node, right.interface))
    for host in (left, right):
        host.node.set(host.interface, mac=host.mac)
        host.node.address(host.interface, f"{host.ipv4}/24", f"{host.ipv6}/64")
    for host, other in ((left, right), (right, left)):
        host.node.up(host.interface)
        host.node.neighbour(host.interface, other.ipv4, other.mac)
        host.node.neighbour(host.interface, other.ipv6, other.mac)
    return TwoHosts(left, right)


@pytest.fixture
def quiet_netns(tunnel_lab: Lab) -> Node:
    """One namespace with nothing but ``lo``, in which the kernel sends nothing by itself, whatever interfaces a
    test makes there and addresses it gives them."""
    return quiet(tunnel_lab, "quiet")


def quiet(lab: Lab, name: str) -> Node:
    """A node as ``quiet_netns``: for a test that wants more of them, with names of its own."""
    node = lab.node(name)
    hush(node)
    return node


def _host(lab: Lab, number: int, name: str) -> Host:
    return Host(quiet(lab, name), "eth0", f"02:00:00:00:00:{number:02x}", f"10.0.0.{number}", f"fd00::{number}")
