from tests.fuzz.sessions import Genuine, Victim

class Impostor:
    reasons: dict[str, int]
    mutations: dict[str, int]
    queued: int
    replies: int
    def __init__(self, genuine: list[Genuine], seed: int, victim: Victim) -> None: ...
    def run(self, first: int, count: int) -> None: ...
