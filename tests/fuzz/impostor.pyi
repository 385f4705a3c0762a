from tests.fuzz.sessions import Genuine, Victim
from tunnel.protocols.wireguard.state import InterfaceState

def rewind(interface: InterfaceState) -> None: ...

class Impostor:
    reasons: dict[str, int]
    mutations: dict[str, int]
    queued: int
    replies: int
    def __init__(self, genuine: list[Genuine], seed: int, victim: Victim) -> None: ...
    def run(self, first: int, count: int) -> None: ...
