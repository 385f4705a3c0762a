from __future__ import annotations

from collections.abc import Callable

import pytest

from tunnel.errors import LabError
from tunnel.lab import names


@pytest.mark.parametrize("name", ["a", "router-1", "h.2", "9", "n" * 64])
def test_node_names(name: str) -> None:
    assert names.node_name(name) == name


@pytest.mark.parametrize("name", ["eth0", "a.b", "e" * 15, "ü" * 7, "-"])
def test_interface_names(name: str) -> None:
    assert names.interface_name(name) == name


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        (names.node_name, ""), (names.node_name, "a b"), (names.node_name, "-a"), (names.node_name, "n" * 65),
        (names.node_name, "a\n"), (names.node_name, "../a"),
        (names.interface_name, ""), (names.interface_name, "."), (names.interface_name, ".."),
        (names.interface_name, "e" * 16), (names.interface_name, "ü" * 8), (names.interface_name, "a/b"),
        (names.interface_name, "a:b"), (names.interface_name, "a b"), (names.interface_name, "tun%d"),
        (names.address, "10.0.0.1/33"), (names.address, "host"), (names.address, ""),
        (names.host, "10.0.0.1/24"), (names.host, "x"),
        (names.mac, "02:00:00:00:00"), (names.mac, "02-00-00-00-00-01"), (names.mac, "02:00:00:00:00:0g"),
        (names.sysctl, "kernel.hostname"), (names.sysctl, "net"), (names.sysctl, "net/../kernel/hostname"),
        (names.sysctl, "/net/ipv4/ip_forward"), (names.sysctl, "net.ipv4.ip forward"), (names.sysctl, ""),
    ],
)  # fmt: skip
def test_wrong_ones_are_named(check: Callable[[str], object], wrong: str) -> None:
    with pytest.raises(LabError) as raised:
        check(wrong)
    assert repr(wrong) in str(raised.value)


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("10.0.0.1/24", ("10.0.0.1", 24)),
        ("10.0.0.1", ("10.0.0.1", 32)),
        ("FD00::0001/64", ("fd00::1", 64)),
        ("fe80::1", ("fe80::1", 128)),
    ],
)
def test_addresses(text: str, parsed: tuple[str, int]) -> None:
    assert names.address(text) == parsed


@pytest.mark.parametrize(
    ("text", "version", "network"),
    [
        ("default", 4, "0.0.0.0/0"),
        ("default", 6, "::/0"),
        ("10.1.0.0/16", 4, "10.1.0.0/16"),
        ("fd01::1", 6, "fd01::1/128"),
    ],
)
def test_destinations(text: str, version: int, network: str) -> None:
    assert names.destination(text, version) == network


def test_a_destination_with_host_bits_is_refused() -> None:
    with pytest.raises(LabError, match=r"10\.1\.0\.1/16.*host bits"):
        names.destination("10.1.0.1/16", 4)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("net.ipv4.ip_forward", "net/ipv4/ip_forward"),
        ("net/ipv4/conf/eth0.1/rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
        ("net.ipv4.conf.eth0/1.rp_filter", "net/ipv4/conf/eth0.1/rp_filter"),
    ],
)
def test_sysctl_paths(name: str, path: str) -> None:
    assert names.sysctl(name) == path


@pytest.mark.parametrize("value", [-1, 2**32])
def test_numbers_that_no_attribute_holds(value: int) -> None:
    with pytest.raises(LabError, match=f"mtu {value}: "):
        names.count("mtu", value)
    assert names.count("mtu", 2**32 - 1) == 2**32 - 1
