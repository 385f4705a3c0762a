"""The process that ``test_aead_forget.py`` looks into: ``forgetting.py LIBRARY``.

Reads a key of 32 bytes, seals and opens with it, and says a line before each look: ``used``, ``erased``
(its own copies of the key are overwritten), ``forgotten``. It goes on when it reads a byte.
"""

import ctypes
import os
import sys

from tunnel.crypto.aead import Aead

SIZES = (0, 1, 64, 200, 500, 1000, 1440, 4000)


def erase(key: bytes) -> None:
    """Overwrite what nobody else looks at any more: a bytes object ends with a zero byte."""
    ctypes.memset(id(key) + bytes.__basicsize__ - 1, 0, len(key))


def use(key: bytes, aead: Aead, depth: int) -> None:
    """Seal and open, ``depth`` calls down the C stack."""
    if depth:
        list(map(lambda below: use(key, aead, below), [depth - 1]))  # noqa: C417
        return
    packets = [(key, 2**40 + size, bytes(size)) for size in SIZES]
    received = aead.seal_all(packets)
    opened = aead.open_all((key, counter, text) for (_, counter, _), text in zip(packets, received, strict=True))
    assert None not in opened
    assert aead.open(key, 0, received[-1]) is None


def pause(said: str) -> None:
    """Be looked at."""
    os.write(1, said.encode() + b"\n")
    os.read(0, 1)


def main() -> None:
    """Each step, with a look after it."""
    aead, read = Aead(sys.argv[1]), bytearray(32)
    os.readv(0, [read])
    key = bytes(read)
    for depth in (0, 20, 5):
        use(key, aead, depth)
    pause("used")
    read[:] = bytes(32)
    erase(key)
    pause("erased")
    aead.forget()
    pause("forgotten")


main()
