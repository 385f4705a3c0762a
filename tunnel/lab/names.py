"""Checks of what a lab is asked for, made before the kernel sees it."""

from __future__ import annotations

import errno
import os
import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network

from tunnel.errors import LabError

LONGEST = 15  # of an interface: IFNAMSIZ less its zero byte, include/uapi/linux/if.h
LONGEST_FILE = 255  # NAME_MAX, include/uapi/linux/limits.h
LARGEST_COUNT = 2**32 - 1
_NAME = re.compile(rf"(?!-|\.\.?\Z)[!-~]{{1,{LONGEST}}}")
_NOT_IN_NAMES = frozenset("/:%")  # refused by dev_valid_name() of net/core/dev.c, or a number's place
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", re.IGNORECASE)
_SYSCTL = re.compile(r"net(\.[A-Za-z0-9_@-]+)+")


def _fitting(what: str, name: str) -> str:
    """The one rule for whatever a lab gives a name to."""
    if not _NAME.fullmatch(name) or _NOT_IN_NAMES.intersection(name):
        raise LabError(
            f"{what} {name!r}: a name is 1 to {LONGEST} printable ASCII characters without '/', ':', '%' or"
            " blanks, does not begin with '-' and is not '.' or '..'; choose another",
            errno.EINVAL,
        )
    return name


def node_name(name: str) -> str:
    """``name`` if it can name a node."""
    return _fitting("node", name)


def interface_name(name: str) -> str:
    """``name`` if it can name an interface or a bridge."""
    return _fitting("interface", name)


def lab_name(name: str) -> str:
    """``name`` if it can name a lab."""
    return _fitting("lab", name)


def namespace_name(name: str) -> str:
    """``name`` if a namespace can be made by it: LAB-NODE must fit, so this is iproute2's rule, and
    nothing that a terminal, a line of output or an option would take for something else."""
    if not _is_file(name) or not name.isprintable() or name.startswith("-"):
        raise LabError(
            f"namespace {name!r}: a name is 1 to {LONGEST_FILE} bytes of printable characters without '/', does not"
            " begin with '-' and is not '.' or '..'; choose another",
            errno.EINVAL,
        )
    return name


def namespace_file(name: str) -> str:
    """``name`` if iproute2 could have made a namespace by it."""
    if not _is_file(name):
        raise LabError(
            f"namespace {name!r}: a name is 1 to {LONGEST_FILE} bytes without '/', and not '.' or '..';"
            " `tunnel netns list` shows those that there are",
            errno.EINVAL,
        )
    return name


def _is_file(name: str) -> bool:
    """As invalid_name() of ip/ipnetns.c has it."""
    fits = 0 < len(os.fsencode(name)) <= LONGEST_FILE
    return fits and name not in (".", "..") and not {"/", "\0"}.intersection(name)


def address(text: str) -> tuple[str, int]:
    """Address and prefix length of ``10.0.0.1/24``; without ``/`` the prefix is the whole address."""
    _require_no_zone(text)
    try:
        parsed = ip_interface(text)
    except ValueError as error:
        raise LabError(f"address {text!r}: {error}; write it like 10.0.0.1/24 or fd00::1/64") from None
    return str(parsed.ip), parsed.network.prefixlen


def host(text: str) -> IPv4Address | IPv6Address:
    """The address of one host, without a prefix."""
    _require_no_zone(text)
    try:
        return ip_address(text)
    except ValueError as error:
        raise LabError(f"address {text!r}: {error}; write it like 10.0.0.1 or fd00::1") from None


def _require_no_zone(text: str) -> None:
    """The interface of a link-local address is told for itself."""
    if "%" in text:
        raise LabError(f"address {text!r}: write it without '%'; its interface is told for itself", errno.EINVAL)


def destination(text: str, version: int) -> str:
    """The network a route leads to; ``default`` is everything of the IP ``version``."""
    if text == "default":
        return "0.0.0.0/0" if version == 4 else "::/0"
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise LabError(f"route to {text!r}: {error}; write it like 10.1.0.0/16 or default") from None


def network(text: str) -> str:
    """A network that a rule is about."""
    try:
        return str(ip_network(text))
    except ValueError as error:
        raise LabError(f"network {text!r}: {error}; write it like 10.1.0.0/16 or fd00::/64") from None


def mac(text: str) -> str:
    """An Ethernet address in its usual form, six pairs with colons."""
    if not _MAC.fullmatch(text):
        raise LabError(f"Ethernet address {text!r}: write it like 02:00:00:00:00:01")
    return text.lower()


def count(what: str, value: int, largest: int = LARGEST_COUNT) -> int:
    """A number that fits into a netlink attribute; its real bounds are the kernel's to tell."""
    if not 0 <= value <= largest:
        raise LabError(f"{what} {value}: a number from 0 to {largest} was expected")
    return value


def sysctl(name: str) -> str:
    """The path under /proc/sys. Only ``net`` is a node's own; everything else would change the machine.

    Dots separate: an interface whose name has one is out of reach, as ``/`` and ``..`` are no part of a name.
    """
    if not _SYSCTL.fullmatch(name):
        raise LabError(
            f"sysctl {name!r}: a node has its own of net.* only, with dots between the parts,"
            " like net.ipv4.ip_forward",
            errno.EINVAL,
        )
    return name.replace(".", "/")
