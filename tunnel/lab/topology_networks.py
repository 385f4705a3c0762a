"""Addresses and networks as numbers: a lab may have thousands, and ``ipaddress`` takes its time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from tunnel.config import shown

Address = IPv4Address | IPv6Address

_FORM = re.compile(r"([0-9a-fA-F.:]+)/(\d{1,3})")
_SAMPLE = "like 10.0.0.1/24 or fd00::1/64"
_CACHED = 4096      # the gateways of a large lab


@dataclass(frozen=True)
class Network:
    """A network: its first address as a number, and its prefix length."""

    version: int
    first: int
    prefix: int

    @property
    def bits(self) -> int:
        """Those of an address."""
        return 32 if self.version == 4 else 128

    @cached_property
    def last(self) -> int:
        """Its last address."""
        return self.first | (1 << self.bits - self.prefix) - 1

    def __str__(self) -> str:
        kind = IPv4Address if self.version == 4 else IPv6Address
        return f"{kind(self.first)}/{self.prefix}"

    def __contains__(self, address: Address) -> bool:
        return self.version == address.version and self.first <= int(address) <= self.last


EVERYTHING = {4: Network(4, 0, 0), 6: Network(6, 0, 0)}


@dataclass(frozen=True)
class Own:
    """An address of an interface, with the network that it makes."""

    ip: Address
    network: Network

    def __str__(self) -> str:
        return f"{self.ip}/{self.network.prefix}"


@lru_cache(_CACHED)
def address(text: str) -> Address | str:
    """The address of one host, or what is wrong with it."""
    try:
        if "%" not in text:
            return ip_address(text)
    except ValueError:
        pass
    return f"found {shown(text)}, expected an address like 10.0.0.1 or fd00::1"


@lru_cache(_CACHED)
def network(text: str) -> Network | str:
    """The network of a route or rule, or what is wrong with it."""
    try:
        found = ip_network(text)
    except ValueError as error:
        return f"{error}; write it like 10.1.0.0/16 or fd00:1::/32"
    return Network(found.version, int(found.network_address), found.prefixlen)


def own(text: str) -> Own | str:
    """An interface's address with its prefix length, or what is wrong with it."""
    form = _FORM.fullmatch(text)
    if not form:
        return f"found {shown(text)}, expected an address with prefix length {_SAMPLE}"
    try:
        ip = ip_address(form[1])
    except ValueError as error:
        return f"{error}; write it {_SAMPLE}"
    bits, prefix = ip.max_prefixlen, int(form[2])
    if prefix > bits:
        return f"{text} has a prefix longer than {bits}; write it {_SAMPLE}"
    found = Own(ip, Network(ip.version, int(ip) >> bits - prefix << bits - prefix, prefix))
    return _unusable(found) or found


def _unusable(found: Own) -> str:
    """Why no interface can have this address; empty where one can."""
    ip, of = found.ip, found.network
    if ip.is_multicast or not int(ip):
        return f"no interface can have {ip}, which is {'a group' if ip.is_multicast else 'no address'}"
    if ip.version == 4 and of.prefix < 31:
        if int(ip) == of.first:
            return f"{found} is the network itself, expected an address in it"
        if int(ip) == of.last:
            return f"{found} is the broadcast address of its network, expected another in it"
    return ""
