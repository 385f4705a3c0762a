"""Two ends of a veth pair in namespaces of their own, for tests inside a node (``alone``)."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from pyroute2 import IPRoute

from tests.netns.alone import another
from tunnel.netlink import Netlink

ARRIVES_S = 5.0


@contextmanager
def apart(netlink: Netlink) -> Iterator[int]:
    """vb in a namespace of its own (it lives in the block), va and vb with addresses of both families."""
    elsewhere = another()
    with IPRoute() as route:
        route.link("set", index=socket.if_nametoindex("vb"), net_ns_fd=elsewhere)
    with Netlink(elsewhere) as there:
        for side, name, number in ((netlink, "va", 1), (there, "vb", 2)):
            side.set_link(name, up=True)
            side.add_address(name, f"192.0.2.{number}/24")
            side.add_address(name, f"2001:db8::{number}/64")
    yield elsewhere
    os.close(elsewhere)


def bound(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 0))
    sock.settimeout(ARRIVES_S)
    return sock
