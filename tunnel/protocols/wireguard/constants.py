"""The numbers of the protocol: whitepaper, sections 5.4 and 6.1. Times in ns."""

from __future__ import annotations

from typing import NamedTuple

SECOND = 1_000_000_000

KEY_SIZE = 32
NO_KEY = bytes(KEY_SIZE)
MTU = 1420  # of the overlay, where nothing else is known: 1500 less 80
PEERS_MAX = 65_536

INITIATION, RESPONSE, COOKIE_REPLY, TRANSPORT = 1, 2, 3, 4
HANDSHAKE_TOS = 0x88  # DSCP AF41: what the Linux module gives initiations and responses

# What a peer's native part asks for (want_t), and its timers (timers): tunnel/protocols/wireguard/state.pxd.
WANT_HANDSHAKE, CONFIRMED = 1, 2
ERASE, RETRANSMIT, PASSIVE_KEEPALIVE, SILENCE, PERSISTENT_KEEPALIVE = range(5)


class Limits(NamedTuple):
    """When keys are renewed and refused, and how often is asked. Tests squeeze them; nobody else does."""

    rekey_messages: int = 2**60
    reject_messages: int = 2**64 - 2**13 - 1
    rekey_ns: int = 120 * SECOND
    reject_ns: int = 180 * SECOND
    retry_ns: int = 5 * SECOND
    keepalive_ns: int = 10 * SECOND
    jitter_ns: int = 333_000_000
    initiation_ns: int = 20_000_000  # between two initiations of a peer that are taken
    attempts: int = 18  # retries of a handshake: 90 s

    @property
    def erase_ns(self) -> int:
        """After the last session, until all keys are wiped."""
        return 3 * self.reject_ns
