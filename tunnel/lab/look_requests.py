"""What a holder can be asked to tell about a namespace, without changing it."""

from __future__ import annotations

from typing import Any

from tunnel.lab import links, tables
from tunnel.lab.holding import Holding
from tunnel.lab.rtnl import Conversation


class LookRequests:
    """Requests that look. Rows are those of ``tunnel.lab.rows`` by the names of their fields."""

    holding: Holding

    def _talk(self, node: str) -> Conversation:
        self.holding.flush()
        return self.holding.spaces[node].talk

    def op_facts(self, node: str, interface: str) -> dict[str, Any]:
        """What the kernel says of an interface."""
        return links.facts(self._talk(node), interface)

    def op_interfaces(self, node: str) -> list[dict[str, Any]]:
        """What the kernel says of all interfaces."""
        return [links.told(found) for found in links.links(self._talk(node))]

    def op_details(self, node: str, interface: str) -> dict[str, Any]:
        """What a TUN, a TAP or a VXLAN has beside that."""
        return tables.details(self._talk(node), interface)

    def op_statistics(self, node: str, interface: str) -> dict[str, int]:
        """The counters of an interface."""
        return links.statistics(self._talk(node), interface)

    def op_addresses(self, node: str, interface: str) -> list[str]:
        """The addresses of an interface."""
        return links.addresses(self._talk(node), interface)

    def op_routes(self, node: str, table: int | None) -> list[dict[str, Any]]:
        """The routes of one table, or of all."""
        return tables.routes(self._talk(node), table)

    def op_rules(self, node: str) -> list[dict[str, Any]]:
        """The policy routing rules."""
        return tables.rules(self._talk(node))

    def op_neighbours(self, node: str) -> list[dict[str, Any]]:
        """The neighbour entries."""
        return tables.neighbours(self._talk(node))

    def op_fdb_entries(self, node: str, interface: str) -> list[dict[str, Any]]:
        """The forwarding database of a bridge."""
        return tables.fdb(self._talk(node), interface)

    def op_bridge_settings(self, node: str, interface: str) -> dict[str, Any]:
        """The settings of a bridge."""
        return tables.bridge_settings(self._talk(node), interface)

    def op_bridge_ports(self, node: str, interface: str) -> list[dict[str, Any]]:
        """The ports of a bridge."""
        return tables.ports(self._talk(node), interface)
