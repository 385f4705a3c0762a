"""A handler in Python that reads the 5-tuple of every packet and lets it pass."""

from __future__ import annotations

from tunnel import Batch, Handler


class Reader(Handler):
    """Synopsis: ``type = "reader.py:Reader"``. Ports: ``net``. Options: none. Drops: none."""

    ports = ("net",)

    def process(self, batch: Batch) -> None:
        for p in batch:
            p.five_tuple  # noqa: B018
            p.egress = 0
