"""Every byte over TCP arrives as it was sent, whatever the line does and whichever offloads there are.

A bit that the line flips lies in the inner packet, and the outer checksum is computed behind it: only the
inner one can tell, and whoever joins or cuts packets on the way may not make it right.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns import integrity
from tests.netns.integrity import ADDRESSES, LINES, MTU, OFFLOADS, carried, counters, engines, feature, hosts
from tunnel.counters import Ledger
from tunnel.lab import Lab, Node

pytestmark = pytest.mark.usefixtures("all_on")

MIB = 1 << 20
SHORT = {"clean": 64 * MIB}  # what CI sends, 8 MiB where it is not named
LONG = {"loss-5": 16 * MIB}
EVERYWHERE = ("all-on", "all-off")
IN_CI = ("clean", "loss-1", "reordering-5", "duplication-1", "corruption-1")
FORWARDED = 8 * MIB


def cases() -> Iterator[object]:
    """Offloads, line and size: the short ones in CI, all of them long in the soak."""
    for offloads in OFFLOADS:
        for line in [name for name in LINES if name != "bad"]:
            if offloads in EVERYWHERE and line in IN_CI:
                yield pytest.param(offloads, line, SHORT.get(line, 8 * MIB), id=f"{offloads}-{line}")
            size = 1024 * MIB if (offloads, line) == ("all-on", "clean") else LONG.get(line, 64 * MIB)
            yield pytest.param(offloads, line, size, id=f"{offloads}-{line}-long", marks=pytest.mark.soak)


def impaired(near: Ledger, line: str, refused: int) -> None:
    """The line did what it was asked to, and the far kernel saw what is left of it."""
    if line == "clean":
        return
    fate = near["handlers"]["line"]
    assert (fate["drops"].get("LOST", {"packets": 0})["packets"] > 0) == line.startswith("loss")
    assert (fate["cloned"]["packets"] > 0) == (line == "duplication-1")
    assert (refused > 0) == (line == "corruption-1")


def super_packets(near: Ledger) -> bool:
    """Whether the near TUN brought super-packets, and not just one."""
    received = near["devices"]["tun0"]["rx"]
    return received["packets"] - received["descriptors"] > 1000


@pytest.mark.parametrize(("offloads", "line", "size"), list(cases()))
def test_tcp_arrives_as_it_was_sent(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offloads: str, line: str, size: int
):
    monkeypatch.setenv("TUNNEL_NO_OFFLOAD", OFFLOADS[offloads])
    west, east = hosts(lab)
    with engines((west, east), tmp_path, LINES[line]) as pair:
        for address in ADDRESSES.values():
            carried(west, east, address.format(2), size // 2)
        near, _ = pair.stop()
    tcp = counters(east)
    assert tcp["Tcp.InErrs"] >= tcp["Tcp.InCsumErrors"]
    impaired(near, line, tcp["Tcp.InCsumErrors"])
    assert offloads != "all-on" or super_packets(near)


def behind(lab: Lab, west: Node, east: Node) -> Node:
    """A host that west forwards for; call once the tunnel is up."""
    house = lab.node("house")
    lab.link((house, "eth0"), (west, "house"))
    west.address("house", "10.6.0.1/24", "fd06::1/64")
    house.address("eth0", "10.6.0.2/24", "fd06::2/64")
    west.up("house")
    house.up("eth0")
    house.route("10.8.0.0/24", via="10.6.0.1")
    house.route("fd08::/64", via="fd06::1")
    east.route("10.6.0.0/24", via="10.8.0.1")
    east.route("fd06::/64", via="fd08::1")
    return house


@pytest.mark.parametrize(
    ("line", "merged"),
    [("clean", False), ("clean", True), ("corruption-1", True)],
    ids=["whole", "merged", "merged-corruption-1"],
)
@pytest.mark.parametrize("offloads", EVERYWHERE)
def test_what_is_forwarded_arrives_as_it_was_sent(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offloads: str, line: str, merged: bool
):
    monkeypatch.setenv("TUNNEL_NO_OFFLOAD", OFFLOADS[offloads])
    west, east = hosts(lab)
    west.sysctl("net.ipv4.ip_forward", 1)  # before the TUN is made: what it tells the kernel depends on it
    west.sysctl("net.ipv6.conf.all.forwarding", 1)
    with engines((west, east), tmp_path, LINES[line]) as pair:
        house = behind(lab, west, east)
        if merged:  # the host sends plain packets, and the router's GRO makes super-packets of them
            feature(house, "eth0", integrity.TSO, 0)
            feature(house, "eth0", integrity.GSO, 0)
            feature(west, "house", integrity.GRO, 1)
        for there, back in (("10.8.0.2", "10.6.0.2"), ("fd08::2", "fd06::2")):
            carried(house, east, there, FORWARDED // 4)
            carried(east, house, back, FORWARDED // 4)
        near, _ = pair.stop()
    impaired(near, line, counters(east)["Tcp.InCsumErrors"])
    assert offloads == "all-off" or super_packets(near)
    assert not merged or house.statistics("eth0")["tx_packets"] > FORWARDED // 2 // MTU
