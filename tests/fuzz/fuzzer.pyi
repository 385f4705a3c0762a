from collections.abc import Callable

from tests.fuzz.seeds import Seed
from tunnel.batch import Batch
from tunnel.handler import Handler

class Fuzzer:
    reasons: dict[str, int]
    protocols: dict[int, int]
    mutations: dict[str, int]
    supers: int
    joined: int
    answered: int
    def __init__(
        self, seeds: list[Seed], seed: int, handler: Handler, graph: Callable[[Batch, Batch, Batch], None]
    ) -> None: ...
    def run(self, first: int, count: int) -> None: ...
