"""What a topology can have on this machine, by this user."""

from __future__ import annotations

import errno
import os
import socket

from tunnel.errors import LabError
from tunnel.lab.holder import has_rights
from tunnel.lab.lab import Lab
from tunnel.lab.topology_facts import Facts


def facts() -> Facts:
    """What there is to know without making anything, and a probe for the rest."""
    names = frozenset(name for _, name in socket.if_nameindex())
    return Facts(has_rights(), bridges_filter_vlans, names, os.geteuid(), os.getegid())


def bridges_filter_vlans() -> bool | None:
    """Whether this kernel's bridge can (CONFIG_BRIDGE_VLAN_FILTERING), tried in a namespace that is then dropped;
    None where none can be made."""
    try:
        with Lab() as lab:
            node = lab.node("probe")
            try:
                node.bridge("br0", vlan_filtering=True)
            except LabError as error:
                return error.errno != errno.EOPNOTSUPP
            return True
    except LabError:
        return None
