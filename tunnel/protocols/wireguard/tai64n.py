"""TAI64N, the time label of initiations (cr.yp.to/libtai/tai64.html): 12 bytes, big-endian."""

from __future__ import annotations

import struct

EPOCH = 0x4000_0000_0000_000A  # of Unix time, 10 s behind TAI then
WHITENED = 0xFF000000  # steps of 16.8 ms: a peer learns less of our clock


def stamp(unix_ns: int) -> bytes:
    """The label of a time; later times compare greater as bytes."""
    seconds, nanoseconds = divmod(unix_ns, 1_000_000_000)
    return struct.pack("!QI", EPOCH + seconds, nanoseconds & WHITENED)
