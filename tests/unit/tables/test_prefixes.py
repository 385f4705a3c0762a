"""Prefixes against the standard library's."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunnel.errors import ConfigError
from tunnel.tables.prefixes import MAX, Prefixes

networks = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)).map(
        lambda pair: ipaddress.IPv4Network(pair, strict=False)
    ),
    st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 128)).map(
        lambda pair: ipaddress.IPv6Network(pair, strict=False)
    ),
)


def is_host(address, network):
    if network.version == 4 and network.prefixlen < 31:
        return address in network and address not in (network[0], network[-1])
    return address in network


@given(st.lists(networks, max_size=8), st.data())
def test_holds_the_hosts_of_its_networks(chosen, data):
    prefixes = Prefixes(str(network) for network in chosen)
    places = [network[offset] for network in chosen for offset in (0, -1, network.num_addresses // 2)]
    strangers = data.draw(st.lists(st.ip_addresses(), max_size=4))
    for address in places + strangers:
        expected = any(is_host(address, network) for network in chosen)
        assert (address.packed in prefixes) == expected, (address, chosen)


def test_a_mapped_address_is_not_the_mapped_one_on_the_wire():
    assert bytes.fromhex("0a000001") in Prefixes(["10.0.0.1"])
    assert bytes(15) + b"\1" not in Prefixes(["0.0.0.1"])


def test_the_host_part_may_be_given():
    prefixes = Prefixes(["10.8.0.1/24", "fd08::1/64"])
    assert len(prefixes) == 2
    assert ipaddress.ip_address("10.8.0.77").packed in prefixes


@pytest.mark.parametrize("texts", [["10.8.0"], [""], ["fd08::/129"], ["host"], [f"10.0.0.{n}" for n in range(MAX + 1)]])
def test_wrong_ones_are_named(texts):
    with pytest.raises(ConfigError, match=texts[-1] or "''"):
        Prefixes(texts)


def test_only_addresses_are_looked_up():
    with pytest.raises(ValueError, match="4 or 16"):
        assert b"abc" in Prefixes()
