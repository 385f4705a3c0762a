"""Checks of what a lab is asked for, made before the kernel sees it."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network

from tunnel.errors import LabError

LONGEST_INTERFACE = 15  # IFNAMSIZ less its zero byte, include/uapi/linux/if.h
LARGEST_COUNT = 2**32 - 1
_NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)
_SYSCTL = re.compile(r"net(/[A-Za-z0-9_.@-]*[A-Za-z0-9_@-])+")


def node_name(name: str) -> str:
    """``name`` if it can name a node: letters, digits, ``_ . -``, at most 64."""
    if not _NODE.fullmatch(name):
        raise LabError(f"node {name!r}: a name is 1 to 64 letters, digits, '_', '.' or '-'; choose another")
    return name


def interface_name(name: str) -> str:
    """``name`` if the kernel takes it: dev_valid_name() of net/core/dev.c, and no ``%``, a number's place."""
    fits = 0 < len(name.encode()) <= LONGEST_INTERFACE and name not in (".", "..")
    if not fits or any(letter in "/:%" or letter.isspace() for letter in name):
        raise LabError(
            f"interface {name!r}: a name is 1 to {LONGEST_INTERFACE} bytes without '/', ':', '%' or blanks;"
            " choose another"
        )
    return name


def address(text: str) -> tuple[str, int]:
    """Address and prefix length of ``10.0.0.1/24``; without ``/`` the prefix is the whole address."""
    try:
        parsed = ip_interface(text)
    except ValueError as error:
        raise LabError(f"address {text!r}: {error}; write it like 10.0.0.1/24 or fd00::1/64") from None
    return str(parsed.ip), parsed.network.prefixlen


def host(text: str) -> IPv4Address | IPv6Address:
    """The address of one host, without a prefix."""
    try:
        return ip_address(text)
    except ValueError as error:
        raise LabError(f"address {text!r}: {error}; write it like 10.0.0.1 or fd00::1") from None


def destination(text: str, version: int) -> str:
    """The network a route leads to; ``default`` is everything of the IP ``version``."""
    if text == "default":
        return "0.0.0.0/0" if version == 4 else "::/0"
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise LabError(f"route to {text!r}: {error}; write it like 10.1.0.0/16 or default") from None


def mac(text: str) -> str:
    """An Ethernet address in its usual form, six pairs with colons."""
    if not _MAC.fullmatch(text):
        raise LabError(f"Ethernet address {text!r}: write it like 02:00:00:00:00:01")
    return text.lower()


def count(what: str, value: int) -> int:
    """A number that fits into a netlink attribute; its real bounds are the kernel's to tell."""
    if not 0 <= value <= LARGEST_COUNT:
        raise LabError(f"{what} {value}: a number from 0 to {LARGEST_COUNT} was expected")
    return value


def sysctl(name: str) -> str:
    """The path under /proc/sys; like sysctl(8), the first of ``.`` and ``/`` is what separates.

    Only ``net`` is a node's own; everything else would change the machine.
    """
    first = re.search(r"[./]", name)
    swap = str.maketrans("./", "/.") if first and first.group() == "." else {}
    path = name.translate(swap)
    if not _SYSCTL.fullmatch(path):
        raise LabError(f"sysctl {name!r}: a node has its own of net.* only, like net.ipv4.ip_forward")
    return path
