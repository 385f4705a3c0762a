"""Large configurations and what ``wg`` says of one end alone."""

from __future__ import annotations

import base64
import hashlib
import socket
import time
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from tests.interop.ends import End, ours, peer_section, started
from tests.netns.conftest import a_lab

FULL = 130_560  # prefixes that the kernel's netlink messages were once tried with


@pytest.fixture(scope="module")
def lonely() -> Iterator[End]:
    """An end of ours with nobody there, up."""
    with a_lab() as lab:
        node = lab.node("here")
        with started(lab, node, ours(), "wg0", port=1234) as end:
            node.up("wg0")
            yield end


def key(number: int) -> str:
    """The public key of a peer that is only configured."""
    return base64.b64encode(hashlib.sha256(number.to_bytes(4, "big")).digest()).decode()


def host_routes(first: str, count: int) -> list[str]:
    """So many /32 from an address on."""
    start = int(ip_network(first).network_address)
    return [f"{socket.inet_ntoa(number.to_bytes(4))}/32" for number in range(start, start + count)]


def test_130560_prefixes_of_one_peer(lonely: End):
    prefixes = host_routes("10.0.0.0", FULL)
    began = time.monotonic()
    lonely.configure(peer_section(key(0), prefixes))
    shown = lonely.show("allowed-ips").partition("\t")[2].split()
    assert len(shown) == FULL and set(shown) == set(prefixes)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(("peers", "each"), [(40, 52), (30, 1), (1, 197), (2000, 1)])
def test_peers_come_back_as_they_were_set(lonely: End, peers: int, each: int):
    wanted = {key(n): host_routes(f"10.{n // 256}.{n % 256}.0", each) for n in range(peers)}
    lonely.configure(*(peer_section(name, prefixes) for name, prefixes in wanted.items()))
    shown = dict(line.split("\t") for line in lonely.show("allowed-ips").splitlines())
    assert {name: set(text.split()) for name, text in shown.items()} == {n: set(p) for n, p in wanted.items()}
    assert set(lonely.show("peers").split()) == wanted.keys()
    lonely.configure()
    assert lonely.show("peers") == ""


def test_both_families_and_host_bits(lonely: End):
    lonely.configure(peer_section(key(0), ["10.1.2.3/8", "fd00::1/8", "0.0.0.0/0", "::/0"]))
    assert set(lonely.show("allowed-ips").split()[1:]) == {"10.0.0.0/8", "fd00::/8", "0.0.0.0/0", "::/0"}


def test_a_missing_name_is_no_interface(lonely: End):
    done = lonely.node.run(["wg", "show", "wg9"], check=False)
    assert done.returncode != 0
    assert lonely.wg("show", "interfaces").split() == ["wg0"]


def test_what_was_set_is_shown_as_a_file(lonely: End):
    lonely.configure(peer_section(key(0), ["10.1.0.0/16", "fd01::/64"], endpoint="192.0.2.9:5", keepalive=25))
    lonely.set("fwmark", "0x10")
    text = lonely.wg("showconf", "wg0")
    for line in (
        "ListenPort = 1234", "FwMark = 0x10", f"PrivateKey = {clamped(lonely.private)}", f"PublicKey = {key(0)}",
        "Endpoint = 192.0.2.9:5", "PersistentKeepalive = 25",
    ):  # fmt: skip
        assert line in text.splitlines()
    assert "AllowedIPs = 10.1.0.0/16, fd01::/64" in text
    lonely.wg("setconf", "wg0", "/dev/stdin", text=text)
    assert lonely.wg("showconf", "wg0") == text
    lonely.wg("syncconf", "wg0", "/dev/stdin", text=text)
    assert lonely.wg("showconf", "wg0") == text


def clamped(private: str) -> str:
    """A private key as it is kept (RFC 7748, section 5)."""
    raw = bytearray(base64.b64decode(private))
    raw[0] &= 248
    raw[31] = raw[31] & 127 | 64
    return base64.b64encode(raw).decode()


def test_mistakes_are_refused_and_what_went_before_stays(lonely: End):
    lonely.configure()
    for words in (["listen-port", "x"], ["peer", "x"], ["peer", key(0), "allowed-ips", "10.0.0.0/33"]):
        assert lonely.node.run(["wg", "set", "wg0", *words], check=False).returncode != 0
    assert lonely.show("listen-port") == "1234"
    assert lonely.listens()
