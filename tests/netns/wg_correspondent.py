"""A peer of ``tunnel-wg`` that knows every key: the Python oracle behind a UDP socket."""

from __future__ import annotations

import select
import socket
from time import monotonic, time_ns

from tests.netns.engines import PATIENCE_S
from tests.oracles.noise import NO_MACS, Twin, opened, public, seal
from tunnel.protocols.wireguard.cookie import Stamper
from tunnel.protocols.wireguard.tai64n import stamp

AGAIN_S = 0.05


class Correspondent:
    """Sessions with the program at ``address`` that has the ``remote`` public key; ``keys`` are T1 and T2.

    ``sent`` and ``received`` are this side's two; ``far`` is the ephemeral public key of the program.
    """

    def __init__(self, sock: socket.socket, address: tuple[str, int], private: bytes, remote: bytes) -> None:
        self.sock, self.address, self.private, self.remote = sock, address, private, remote
        self.public = public(private)
        self.keys: list[bytes] = []
        self.far = b""
        self._stamper = Stamper(remote)
        self._handshakes = self._counter = self._index = 0
        self._began = False

    def begin(self) -> None:
        """A handshake of ours; one that comes too soon after another is repeated."""
        response = None
        while response is None:
            twin = self._twin()
            self._say(self._stamper.stamp(twin.initiate(self._handshakes, stamp(time_ns())), 0))
            response = self.heard(2, AGAIN_S)
        assert twin.finish(response)
        self._derive(twin, response, began=True)

    def answer(self, initiation: bytes) -> bool:
        """Complete a handshake of the program's; whether it then used the session."""
        twin = self._twin()
        assert twin.consume(initiation)[0] == self.remote
        index = int.from_bytes(initiation[4:8], "little")
        self._say(self._stamper.stamp(twin.respond(self._handshakes, index), 0))
        self._derive(twin, initiation, began=False)
        message: bytes | None = initiation
        while message is not None and message[4:8] != self._handshakes.to_bytes(4, "little"):
            message = self.heard(4, AGAIN_S)
        return message is not None

    def send(self, plain: bytes) -> None:
        """A transport message."""
        text = seal(self.keys[not self._began], self._counter, plain)
        self._say(b"\4\0\0\0" + self._index.to_bytes(4, "little") + self._counter.to_bytes(8, "little") + text)
        self._counter += 1

    def receive(self) -> bytes:
        """The packet in the next transport message of this session that is no keepalive."""
        while True:
            message = self.heard(4)
            assert message is not None, "no packet"
            plain = opened(self.keys[self._began], int.from_bytes(message[8:16], "little"), message[16:])
            if plain:
                return plain

    def heard(self, kind: int, patience_s: float = PATIENCE_S) -> bytes | None:
        """The next message of a type; None where none comes for so long."""
        until = monotonic() + patience_s
        while (left := until - monotonic()) > 0 and select.select([self.sock], [], [], left)[0]:
            message = self.sock.recv(2048)
            if message[0] == kind:
                return message
        return None

    def _twin(self) -> Twin:
        self._handshakes += 1
        return Twin(self.private, self.remote, self.private[:30] + self._handshakes.to_bytes(2, "little"))

    def _derive(self, twin: Twin, message: bytes, *, began: bool) -> None:
        self.keys, self.far, self._began, self._counter = twin.session(), twin.far, began, 0
        self._index = int.from_bytes(message[4:8], "little")

    def _say(self, message: bytes) -> None:
        assert not message.endswith(NO_MACS)
        self.sock.sendto(message, self.address)
