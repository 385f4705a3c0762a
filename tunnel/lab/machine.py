"""What a topology can have on this machine, by this user."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from tunnel.errors import LabError
from tunnel.lab.holder import has_rights
from tunnel.lab.lab import Lab
from tunnel.lab.node import Node
from tunnel.lab.topology_facts import Facts

SYSCTLS = Path("/proc/sys")
# Settings that forbid namespaces, each with the value that does and the one that allows them.
FORBIDDING = (
    ("user.max_user_namespaces", "0", "10000"),
    ("user.max_net_namespaces", "0", "10000"),
    ("user.max_mnt_namespaces", "0", "10000"),
    ("kernel.unprivileged_userns_clone", "0", "1"),  # Debian's kernels
    ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),  # Ubuntu's
)
ROOTS = ("user.max_net_namespaces", "user.max_mnt_namespaces")  # that hold for root too


class Trial(NamedTuple):
    """Something that a lab can have, tried: what was seen, or what the kernel said, and what to do then."""

    what: str
    passed: bool
    seen: str
    remedy: str = ""


def facts() -> Facts:
    """What there is to know without making anything, and a probe for the rest."""
    names = frozenset(name for _, name in socket.if_nameindex())
    return Facts(has_rights(), bridges_filter_vlans, names, os.geteuid(), os.getegid())


def bridges_filter_vlans() -> bool | None:
    """Whether this kernel's bridge can (CONFIG_BRIDGE_VLAN_FILTERING), tried in a namespace that is then dropped;
    None where none can be made."""
    try:
        with Lab() as lab:
            try:
                _filter_vlans(lab.node("probe"))
            except LabError as error:
                return error.errno != errno.EOPNOTSUPP
            return True
    except LabError:
        return None


def forbidding(*, rootless: bool) -> str:
    """The commands that change the settings by which namespaces are forbidden, to root or to others; empty where
    no setting does it."""
    found = []
    for name, off, on in FORBIDDING:
        file = SYSCTLS / name.replace(".", "/")
        if (rootless or name in ROOTS) and file.exists() and file.read_text().strip() == off:
            found.append(f"sysctl -w {name}={on}")
    return "; ".join(found)


def tried() -> list[Trial]:
    """What labs can have here, tried in one that is then dropped."""
    try:
        with Lab() as lab:
            by = "a user namespace of its own" if lab.rootless else "root's rights"
            node = lab.node("probe")
            made = Trial("labs", True, f"namespaces, by {by}")
            return [made, *(_tried(node, what, function, seen) for what, function, seen in TRIALS)]
    except LabError as error:
        words, _, remedy = str(error).partition("; ")
        return [Trial("labs", False, words, forbidding(rootless=not has_rights()) or remedy), *_untried()]


def _untried() -> Iterator[Trial]:
    for what, _, _ in TRIALS:
        yield Trial(what, False, "not tried without a lab", "see the line above")


def _tried(node: Node, what: str, function: Callable[[Node], object], seen: str) -> Trial:
    try:
        function(node)
    except LabError as error:
        words, _, remedy = str(error).partition("; ")
        return Trial(what, False, words, remedy)
    return Trial(what, True, seen)


def _join(node: Node) -> None:
    node.link("one", node, "other")
    node.bridge("br", ["one"])


def _open_tap(node: Node) -> None:
    os.close(node.tun("tap0", tap=True))


def _filter_vlans(node: Node) -> None:
    node.bridge("br0", vlan_filtering=True)


TRIALS: tuple[tuple[str, Callable[[Node], object], str], ...] = (
    ("labs: links", _join, "a veth pair and a bridge"),
    ("labs: TAP", _open_tap, "/dev/net/tun, in a node"),
    ("labs: masquerade", lambda node: node.masquerade("one"), "nftables with masq"),
    ("labs: VLAN filtering", _filter_vlans, "a bridge with vlan_filtering"),
)
