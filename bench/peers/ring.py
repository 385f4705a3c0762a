"""``ring.py WORKERS SPINS SECONDS hog|none``: packets that go round in memory in each worker.

Prints as JSON how many each worker has worked on, and the CPU seconds of all. With ``hog`` a handler in
Python keeps the first worker that starts busy, and its GIL with it. WORKERS of 1 is an engine without any.
"""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from time import perf_counter

import msgspec
from burner import Burner

from tunnel import Batch, Graph, Handler, Memory, service, workers

PACKETS = 256
TURN_S = 0.05


class Hog(Handler):
    """Does nothing useful in Python, in one of the workers. Ports: none used. Drops: none."""

    parallel = True

    def __init__(self) -> None:
        self.turn = os.pipe()
        os.set_blocking(self.turn[0], False)
        os.write(self.turn[1], b".")

    def opened(self, now_ns: int) -> None:
        try:
            self.deadline_ns = now_ns if os.read(self.turn[0], 1) else 0
        except BlockingIOError:
            self.deadline_ns = 0

    def process(self, batch: Batch) -> None:
        """Nothing comes."""

    def tick(self, now_ns: int, batch: Batch) -> int:
        end = perf_counter() + TURN_S
        while perf_counter() < end:
            pass
        return now_ns


def main(count: int, spins: int, seconds: float, hog: bool) -> list[int]:
    """Packets worked on by each worker."""
    graph = Graph()
    graph.engine = msgspec.structs.replace(graph.engine, workers=count)
    for name, end in zip("ab", Memory.pair(), strict=True):
        graph.add(end, name)
    graph.add(Burner(spins=spins, packets=PACKETS), "burner")
    graph.link("a -- burner.a")
    graph.link("b -- burner.b")
    if hog:
        graph.add(Hog(), "hog")
    if count == 1:
        ledgers = [service.run(graph, duration_s=seconds)]
    else:
        ledgers = workers.run(graph, partial(service.alone, duration_s=seconds))
    return [ledger["devices"]["a"]["rx"]["packets"] for ledger in ledgers]


if __name__ == "__main__":
    packets = main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "hog")
    print(json.dumps({"packets": packets, "cpu_s": sum(os.times()[:4])}))
