"""Peers that exist only as keys: ``python -m bench.tools.peers ADDRESS PORT RECEIVER COUNT``.

Each makes a handshake with the end at the address, whose public key is RECEIVER (base64), and confirms it
by a keepalive. Initiations are made beforehand, and ``WINDOW`` of them are on their way at a time, fewer than
an end takes for a flood. The counts are printed as JSON.
"""

from __future__ import annotations

import base64
import json
import socket
import sys
import time
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from bench.handshakes import RESPONSE_SIZE, Session, tai64n

WINDOW = 32
PATIENCE_S = 5.0


def static(number: int) -> X25519PrivateKey:
    """The private key of a peer, the same in every run."""
    return X25519PrivateKey.from_private_bytes(sha256(b"bench peer %d" % number).digest())


def public(number: int) -> str:
    """The public key of a peer, in base64."""
    return base64.b64encode(static(number).public_key().public_bytes_raw()).decode()


def answered(sock: socket.socket, initiations: list[bytes]) -> tuple[dict[int, bytes], float]:
    """The response to each initiation by its index, and how long all of them took, in seconds."""
    found: dict[int, bytes] = {}
    began, sent = time.monotonic(), 0
    while len(found) < len(initiations):
        while sent < len(initiations) and sent - len(found) < WINDOW:
            sock.send(initiations[sent])
            sent += 1
        message = sock.recv(2048)
        if len(message) != RESPONSE_SIZE:
            raise SystemExit(f"an answer of {len(message)} bytes instead of {RESPONSE_SIZE} after {len(found)}")
        found[int.from_bytes(message[8:12], "little")] = message
    return found, time.monotonic() - began


def main() -> None:
    """See the module."""
    address, port, receiver, count = sys.argv[1:]
    key = base64.b64decode(receiver)
    sessions = [Session(static(number), key, number) for number in range(int(count))]
    initiations = [session.initiation(tai64n(int(time.time()))) for session in sessions]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect((address, int(port)))
        responses, took_s = answered(sock, initiations)
        for session in sessions:
            sock.send(session.confirmation(responses[session.index]))
    print(json.dumps({"handshakes": len(responses), "seconds": took_s}))


if __name__ == "__main__":
    main()
