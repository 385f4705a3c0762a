"""A handler as a plugin, in Python: installed, a graph file calls it ``type = "block_ports"``."""

from __future__ import annotations

from tunnel import Batch, Handler, reasons

BLOCKED_PORT = reasons.declare("BLOCKED_PORT", "its destination port is blocked")


class BlockPorts(Handler):
    """Lets everything pass between two ports but TCP, UDP and SCTP to blocked destination ports.

    Synopsis: ``type = "block_ports"``, ``blocked = [25, 137]``

    Ports: ``inside``, ``outside``; what enters by one leaves by the other.

    Options: ``blocked``, destination ports (0 to 65535), default none.

    Drop reasons: ``BLOCKED_PORT``.

    Notes: a later fragment has no ports and passes.
    """

    ports = ("inside", "outside")

    def __init__(self, *, blocked: tuple[int, ...] = ()) -> None:
        self.blocked = frozenset(blocked)

    def process(self, batch: Batch) -> None:
        for packet in batch:
            if packet.dport in self.blocked:
                packet.drop(BLOCKED_PORT)
            else:
                packet.egress = 1 - packet.ingress
