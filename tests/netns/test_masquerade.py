"""Masquerading: the outside sees the router's address; nftables' own program sees the rule."""

from __future__ import annotations

import errno
import socket

import pytest

from tests.netns.test_lab_links import FAMILIES, PORT, address, give
from tunnel.errors import LabError
from tunnel.lab import Lab, Node


def behind_a_router(lab: Lab) -> tuple[Node, Node, Node]:
    """A host in network 1, its router, which is 254 in both, and a host outside in network 2."""
    host, router, outside = (lab.node(name) for name in ("host", "router", "outside"))
    for number, (end, port) in enumerate(((host, "lan"), (outside, "wan")), 1):
        lab.link((end, "eth0"), (router, port))
        give(end, "eth0", number, 1)
        give(router, port, number, 254)
    for each in (socket.AF_INET, socket.AF_INET6):
        host.route("default", via=address(each, 1, 254))
    router.sysctl("net.ipv4.ip_forward", 1)
    router.sysctl("net.ipv6.conf.all.forwarding", 1)
    return host, router, outside


@FAMILIES
def test_the_outside_sees_the_router_s_address(lab: Lab, family: int) -> None:
    host, router, outside = behind_a_router(lab)
    router.masquerade("wan")
    with outside.socket(family, socket.SOCK_DGRAM) as server, host.socket(family, socket.SOCK_DGRAM) as client:
        server.bind((address(family, 2, 1), PORT))
        for sock in (server, client):
            sock.settimeout(5)
        client.sendto(b"out", (address(family, 2, 1), PORT))
        content, sender = server.recvfrom(64)
        assert (content, sender[0]) == (b"out", address(family, 2, 254))
        server.sendto(b"back", sender)
        assert client.recv(64) == b"back", "the outside has no route to the host: the router turns it back"


def test_nft_shows_the_rule_until_it_is_removed(lab: Lab) -> None:
    a = lab.node("a")
    a.masquerade("wan-1")
    a.masquerade("eth0")
    rules = a.run(["nft", "list", "ruleset"]).stdout
    for name in ("wan-1", "eth0"):
        assert f'type nat hook postrouting priority srcnat; policy accept;\n\t\toifname "{name}" masquerade' in rules
    assert rules.count("table inet tunnel_masquerade_") == 2
    assert a.run(["nft", "-c", "-f", "-"], text_input=rules).returncode == 0, "its language takes the names"
    with pytest.raises(LabError, match="node a, eth0: masquerade: File exists") as raised:
        a.masquerade("eth0")
    assert raised.value.errno == errno.EEXIST
    a.remove_masquerade("wan-1")
    a.remove_masquerade("eth0")
    assert a.run(["nft", "list", "ruleset"]).stdout == ""
    with pytest.raises(LabError, match="not masqueraded") as raised:
        a.remove_masquerade("eth0")
    assert raised.value.errno == errno.ENOENT
