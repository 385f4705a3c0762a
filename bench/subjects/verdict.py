"""Handlers in Python that decide about each packet and act by native verbs."""

from __future__ import annotations

import threading

from tunnel import Batch, Handler

ICMP, UDP = 1, 17


class Verdict(Handler):
    """Sends back UDP and answers pings, packet by packet.

    Synopsis: ``type = "verdict.py:Verdict"``; links ``"tun0 -- NAME.net"``.
    Ports: ``net``. Options: none. Drops: UNCLAIMED, whatever else comes.
    """

    ports = ("net",)

    def process(self, batch: Batch) -> None:
        for p in batch:
            if (p.proto == UDP and p.reply()) or (p.proto == ICMP and p.echo()):
                p.egress = 0


class Spinner(Handler):
    """A thread that computes in Python all the time, which packets must not feel. Sees none itself."""

    ports = ("none",)

    def opened(self, now_ns: int) -> None:
        self._ended = False
        threading.Thread(target=self._spin, daemon=True).start()

    def closed(self) -> None:
        self._ended = True

    def process(self, batch: Batch) -> None:
        """Leaves whatever comes UNCLAIMED."""

    def _spin(self) -> None:
        turns = 0
        while not self._ended:
            turns += 1
