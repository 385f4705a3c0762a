"""What a holder can be asked that concerns more than one node: the host's interfaces, and carried links."""

from __future__ import annotations

from typing import Any

from tunnel.errors import LabError
from tunnel.lab import carrier, messages, within
from tunnel.lab.holding import Holding, Opened
from tunnel.lab.link_requests import LinkRequests
from tunnel.lab.process_requests import ProcessRequests

IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x2, 0x1000, 0x4000  # include/uapi/linux/if_tun.h


class HostRequests(LinkRequests, ProcessRequests):
    """Requests about the host, and about links that need an engine."""

    holding: Holding

    def op_port(self, node: str, interface: str, bridge: str, up: bool) -> None:
        """Makes an end of a link a port of a bridge, and sets it up."""
        master = self.holding.index(node, bridge)
        self.holding.put(node, messages.link_set(self.holding.index(node, interface), master=master, up=up or None))

    def op_card(self, node: str, interface: str, card: str) -> None:
        """Moves an interface of the host into a node, where it has the name ``interface``."""
        self.holding.flush()
        host, journal = self.holding.require_host()
        host.take_card(card, node, interface, self.holding.spaces[node], journal)

    def op_carried(self, node: str, interface: str) -> None:
        """A TAP that an engine is to serve, an end of a carried link; it lasts as long as the lab."""
        self.holding.flush()
        one = self.holding.spaces[node]
        self.holding.taps[node, interface] = within.open_tun(one.netns, interface, IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
        one.indexes[interface] = within.index_of(one.netns, interface)

    def op_carry(self, links: list[dict[str, Any]]) -> None:
        """Starts the engine that carries links between the TAPs made for them; its packets flow when this is
        answered."""
        ends = [(node, interface) for one in links for node, interface in one["taps"]]
        taps = {end: self.holding.taps[end] for end in ends}
        self.holding.engine = carrier.start(self, carrier.graph(links, taps), list(taps.values()))

    def op_engine(self) -> Opened:
        """A connection to the control socket of the engine that carries links, and its process id."""
        if self.holding.engine is None:
            raise LabError("no engine carries links here, since none has an impair table")
        return Opened([carrier.connect(self.holding.engine)], self.holding.engine)
