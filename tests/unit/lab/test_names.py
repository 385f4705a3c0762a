from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from tunnel.errors import LabError
from tunnel.lab import names

LAB_NAMES = (names.node_name, names.interface_name, names.lab_name)
WRONG = ["", ".", "..", "-", "-a", "n" * 16, "a b", "a\n", "a\x7f", "ü", "a/b", "../a", "a:b", "tun%d", "a\0", "\udcff"]


@pytest.mark.parametrize("check", LAB_NAMES)
@pytest.mark.parametrize("name", ["a", "router-1", "h.2", "9", "n" * 15, "...", ".a", "_", "a@b", "#~"])
def test_names_of_a_lab(check: Callable[[str], str], name: str) -> None:
    assert check(name) == name


@pytest.mark.parametrize("name", ["a", "office-router-1", "n" * 255, "ü", "a b", "a:b", "%", "..."])
def test_names_of_namespaces(name: str) -> None:
    assert names.namespace_name(name) == names.namespace_file(name) == name


@pytest.mark.parametrize("name", ["a\nb", "-x", "\x1b[2J", "\udcff", "\u202e", "\x85"])
def test_names_of_namespaces_that_only_others_give(name: str) -> None:
    assert names.namespace_file(name) == name
    with pytest.raises(LabError) as raised:
        names.namespace_name(name)
    assert repr(name) in str(raised.value)


@pytest.mark.parametrize(
    ("check", "wrong"),
    [
        *itertools.product(LAB_NAMES, WRONG),
        *itertools.product((names.namespace_name, names.namespace_file), ["", ".", "..", "a/b", "ü" * 128, "a\0"]),
        (names.address, "10.0.0.1/33"), (names.address, "host"), (names.address, ""),
        (names.host, "10.0.0.1/24"), (names.host, "x"),
        (names.mac, "02:00:00:00:00"), (names.mac, "02-00-00-00-00-01"), (names.mac, "02:00:00:00:00:0g"),
        (names.sysctl, "kernel.hostname"), (names.sysctl, "net"), (names.sysctl, "net/../kernel/hostname"),
        (names.sysctl, "/net/ipv4/ip_forward"), (names.sysctl, "net.ipv4.ip forward"), (names.sysctl, ""),
        (names.sysctl, "net/ipv4/ip_forward"), (names.sysctl, "net.ipv4/ip_forward"), (names.sysctl, "net..kernel"),
        (names.sysctl, "net.ipv4.ip_forward."), (names.sysctl, "net.ipv4.ip_forward\n"), (names.sysctl, "net."),
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


def test_sysctl_paths() -> None:
    assert names.sysctl("net.ipv4.conf.eth0.rp_filter") == "net/ipv4/conf/eth0/rp_filter"


@pytest.mark.parametrize("value", [-1, 2**32])
def test_numbers_that_no_attribute_holds(value: int) -> None:
    with pytest.raises(LabError, match=f"mtu {value}: "):
        names.count("mtu", value)
    assert names.count("mtu", 2**32 - 1) == 2**32 - 1
