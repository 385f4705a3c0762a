"""The configuration protocol that `wg` speaks with a program: https://www.wireguard.com/xplatform/

    receive     1 split   bytes become lines, however they were cut
                2 begin   the first line of a message is its operation; one that is not known is the end
                3 apply   a line of a set, at once; the empty line behind a get begins its answer
                4 answer  errno=N and an empty line; then the next message may begin

Nothing here waits, reads or writes. ``receive`` gives what is to be sent in slices, between which the
caller may do other things. A message that was refused is answered at once; the rest of it is passed over.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from tunnel.protocols.wireguard.uapi_device import Device
from tunnel.protocols.wireguard.uapi_get import answer
from tunnel.protocols.wireguard.uapi_set import Refused, Setting

LINES = 32  # of a set, a slice
LINE_MAX = 1024  # bytes; the longest that wg writes has about 130


class Conversation:
    """One connection. ``ended``: it is to be closed, once everything was sent."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._rest = b""
        self._setting: Setting | None = None
        self._getting = self._skipping = False
        self.ended = False

    def receive(self, data: bytes) -> Iterator[bytes]:
        """Take what has come; each step applies a few lines, and gives bytes to be sent, perhaps none.

        To be exhausted before more is received.
        """
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        for number, line in enumerate(lines):
            if len(line) > LINE_MAX:
                yield self._overlong()
            elif self._getting and not line:
                self._getting = False
                for text in answer(self._device):
                    yield text.encode()
                yield _outcome(0)
            else:
                yield from self._line(line, number)
            if self.ended:
                return
        if len(self._rest) > LINE_MAX:
            yield self._overlong()

    def end(self) -> bytes:
        """Nothing more will come. A set that was not finished counts as far as it came, and is no success."""
        self.ended = True
        return self._broken_off(errno.EIO)

    def _line(self, line: bytes, number: int) -> Iterator[bytes]:
        setting = self._setting
        if self._skipping:
            self._skipping = bool(line)
        elif setting is not None and line:
            try:
                setting.line(line.decode("latin-1"))  # what is not ASCII is no valid value
            except Refused as refused:
                yield self._refuse(-refused.number)
            if number % LINES == LINES - 1:
                yield b""
        elif setting is not None:
            yield self._finish(0)
        elif self._getting:
            yield self._refuse(errno.EINVAL)
        else:
            self._begin(line)

    def _begin(self, line: bytes) -> None:
        if line == b"set=1":
            self._setting = Setting(self._device)
        elif line == b"get=1":
            self._getting = True
        else:
            self.ended = True

    def _refuse(self, number: int) -> bytes:
        """The message is answered, whatever of it is still to come."""
        self._setting, self._getting, self._skipping = None, False, True
        return _outcome(number)

    def _overlong(self) -> bytes:
        """Whoever writes such a line does not speak this protocol: the end."""
        self._rest, self.ended = b"", True
        return self._broken_off(errno.EINVAL)

    def _broken_off(self, number: int) -> bytes:
        return self._finish(-number) if self._setting is not None else b""

    def _finish(self, number: int) -> bytes:
        setting, self._setting = self._setting, None
        assert setting is not None
        try:
            setting.end()
        except Refused as refused:
            number = -refused.number
        return _outcome(number)


def _outcome(number: int) -> bytes:
    """Of a set a negative number, of a get a positive one: so wg reads them."""
    return b"errno=%d\n\n" % number
