"""A short list of address prefixes: what an endpoint answers for."""

import ipaddress
import struct

from tunnel.errors import ConfigError

MAX = PREFIXES_MAX


cdef class Prefixes:
    """Addresses and prefixes (``"10.8.0.2"``, ``"10.8.0.0/24"``, ``"fd08::/64"``), at most 64.

    ``address in prefixes`` tells whether a host of one of them may own it: an IPv4 prefix shorter than
    31 bits leaves out its first and last address. Raises ``ConfigError``.
    """

    def __init__(self, texts=()):
        for text in texts:
            if self.c.count == PREFIXES_MAX:
                raise ConfigError(f"{text!r}: at most {PREFIXES_MAX} addresses or prefixes are taken")
            self._add(_network(text))

    def _add(self, network):
        cdef prefix_t *prefix = &self.c.entries[self.c.count]
        v4 = network.version == 4
        mapped = bytes(10) + b"\xff\xff" if v4 else b""
        ones = b"\xff" * 12 if v4 else b""
        prefix.network[0], prefix.network[1] = struct.unpack("=QQ", mapped + network.network_address.packed)
        prefix.mask[0], prefix.mask[1] = struct.unpack("=QQ", ones + network.netmask.packed)
        prefix.version = network.version
        prefix.has_broadcast = v4 and network.prefixlen < 31
        prefix.single = network.prefixlen == network.max_prefixlen
        self.c.count += 1

    def __contains__(self, bytes address not None):
        if len(address) not in (4, 16):
            raise ValueError(f"an address has 4 or 16 bytes, not {len(address)}")
        return prefixes_find(&self.c, address, 4 if len(address) == 4 else 6) != NULL

    def __len__(self):
        return self.c.count


def _network(text):
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        expected = "an address or prefix was expected, such as 10.8.0.2 or fd08::/64"
        raise ConfigError(f"{text!r}: {expected}") from None
