"""What can be done to the addresses, routes, rules and neighbours of a namespace."""

from __future__ import annotations

import errno
from typing import Any

from tunnel.lab import names
from tunnel.lab.asking import Asking
from tunnel.lab.rows import Neighbour, Route, Rule

MAIN_TABLE = 254
NO_RULE = {errno.ENOENT: "there is no such rule: everything that was told when it was added belongs to it"}
NO_ENTRY = {errno.ENOENT: "there is no such entry"}


class RouteVerbs(Asking):
    """Where packets go."""

    def address(self, interface: str, *addresses: str) -> None:
        """Adds addresses like ``10.0.0.1/24`` or ``fd00::1/64``, usable at once."""
        for text in addresses:
            own, prefix = names.address(text)
            self._one(f"add address {text}", interface, "address", address=own, prefix=prefix)

    def remove_address(self, interface: str, *addresses: str) -> None:
        """Takes addresses away, written as they were added."""
        for text in addresses:
            own, prefix = names.address(text)
            self._one(f"remove address {text}", interface, "address", address=own, prefix=prefix, remove=True)

    def addresses(self, interface: str) -> list[str]:
        """All addresses with their prefixes, the link-local ones of IPv6 included."""
        found: list[str] = self._one("list addresses", interface, "addresses")
        return found

    def route(
        self,
        to: str,
        *,
        via: str | None = None,
        interface: str | None = None,
        metric: int | None = None,
        table: int | None = None,
    ) -> None:
        """Adds a route to a network or ``default``, by the gateway ``via``, an interface or both, to the main table
        unless another is told."""
        self._ask(f"route to {to} via {via or interface}", "route", **_route(to, via, interface, metric, table))

    def remove_route(
        self,
        to: str,
        *,
        via: str | None = None,
        interface: str | None = None,
        metric: int | None = None,
        table: int | None = None,
    ) -> None:
        """Takes away the first route to a network that agrees with what is told."""
        self._ask(f"remove route to {to}", "route", **_route(to, via, interface, metric, table), remove=True)

    def routes(self, table: int | None = MAIN_TABLE) -> list[Route]:
        """The unicast routes of a table; of all with None."""
        return [Route(**row) for row in self._ask("list routes", "routes", table=table)]

    def rule(self, table: int, **match: Any) -> None:
        """Adds a policy routing rule: what matches looks into ``table``.

        ``source`` and ``to`` are networks, ``iif`` and ``oif`` interfaces, ``fwmark`` a number; a lower
        ``priority`` comes first. Without a network it is made for both families.
        """
        self._ask(f"rule for table {table}", "rule", **_rule(table, **match))

    def remove_rule(self, table: int, **match: Any) -> None:
        """Takes away a rule, told as it was added."""
        self._ask(f"remove rule for table {table}", "rule", NO_RULE, **_rule(table, **match), remove=True)

    def rules(self) -> list[Rule]:
        """All policy routing rules."""
        return [Rule(**row) for row in self._ask("list rules", "rules")]

    def neighbour(self, interface: str, address: str, mac: str) -> None:
        """Sets a permanent ARP or neighbour discovery entry."""
        at, known = str(names.host(address)), names.mac(mac)
        self._one(f"neighbour {address}", interface, "neighbour", address=at, mac=known)

    def remove_neighbour(self, interface: str, address: str) -> None:
        """Takes a neighbour entry away."""
        at = str(names.host(address))
        self._one(f"remove neighbour {address}", interface, "forget_neighbour", NO_ENTRY, address=at)

    def neighbours(self) -> list[Neighbour]:
        """All neighbour entries of both families."""
        return [Neighbour(**row) for row in self._ask("list neighbours", "neighbours")]

    def masquerade(self, interface: str) -> None:
        """Gives what leaves through an interface its address, of both families (nftables)."""
        self._masquerade("masquerade", interface)

    def remove_masquerade(self, interface: str) -> None:
        """Ends it."""
        self._masquerade("masquerade no longer", interface, remove=True)

    def _masquerade(self, what: str, interface: str, *, remove: bool = False) -> None:
        words = f"{self.where}, {names.interface_name(interface)}: {what}"
        self.ask(words, "masquerade", interfaces=[interface], remove=remove)


def _route(to: str, via: str | None, interface: str | None, metric: int | None, table: int | None) -> dict[str, Any]:
    gateway = names.host(via) if via else None
    return {
        "to": names.destination(to, gateway.version if gateway else 4),
        "via": str(gateway) if gateway else None,
        "interface": names.interface_name(interface) if interface else None,
        "metric": None if metric is None else names.count("metric", metric),
        "table": None if table is None else names.count("table", table),
    }


def _rule(
    table: int,
    *,
    source: str | None = None,
    to: str | None = None,
    iif: str | None = None,
    oif: str | None = None,
    fwmark: int | None = None,
    priority: int | None = None,
) -> dict[str, Any]:
    given: dict[str, Any] = {"table": names.count("table", table)}
    for name, text in (("source", source), ("to", to)):
        given[name] = None if text is None else names.network(text)
    for name, interface in (("iif", iif), ("oif", oif)):
        given[name] = None if interface is None else names.interface_name(interface)
    for name, value in (("fwmark", fwmark), ("priority", priority)):
        given[name] = None if value is None else names.count(name, value)
    return given
