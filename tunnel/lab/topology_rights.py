"""What this machine, or this user, cannot give a lab."""

from __future__ import annotations

from tunnel.config import meant
from tunnel.lab.topology import Card, Topology
from tunnel.lab.topology_facts import Facts, Report
from tunnel.lab.topology_nodes import places


def check(topology: Topology, facts: Facts, report: Report) -> None:
    """Reports what needs root or a kernel's feature, as far as ``facts`` tell, and cards given twice."""
    cards: dict[str, str] = {}
    for path, place in places(topology):
        for name, found in place.interfaces.items():
            own = (*path, "interfaces", name)
            if isinstance(found, Card):
                _card((*own, "card"), found.card, cards, facts, report)
                continue
            for key, mine in (("owner", facts.uid), ("group", facts.gid)):
                wanted = getattr(found, key, None)
                if facts.is_root is False and wanted is not None and wanted != mine:
                    whom = "user" if key == "owner" else "group"
                    report((*own, key), f"only root gives a device to another {whom} ({wanted}): leave it out")
    for name, bridge in topology.bridges.items():
        if bridge.host and facts.is_root is False:
            report(("bridges", name, "host"), "only root makes a bridge in the host's namespace: leave it out")
        elif bridge.host and name in (facts.interfaces or ()):
            report(("bridges", name), "the host has an interface of this name: choose another")
        if bridge.vlan_filtering and facts.vlan_filtering() is False:
            report(
                ("bridges", name, "vlan_filtering"),
                "this kernel's bridge has none (CONFIG_BRIDGE_VLAN_FILTERING): leave it out, or use another kernel",
            )


def _card(path: tuple[str | int, ...], card: str, cards: dict[str, str], facts: Facts, report: Report) -> None:
    here = ".".join(map(str, path[:4]))
    before = cards.setdefault(card, here)
    if before != here:
        report(path, f"{card} is given to {before} already")
    if facts.is_root is False:
        report(path, f"only root takes the card {card} from the host: use a TAP, or run as root")
    elif facts.interfaces is not None and card not in facts.interfaces:
        report(path, f"the host has no interface {card}{meant(card, facts.interfaces)}")
