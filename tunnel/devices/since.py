"""What a counter of the kernel rose by while a device was open."""

from __future__ import annotations


class Since:
    """The rise of a counter of ``bits`` bits from each ``start`` to the ``stop`` behind it, summed up.

    A reading is what the kernel says now, or None where it cannot be read: then what it rose by is
    unknown (None), until it can be read again. A counter that wraps is told from one that does not as
    long as it is read once a round.
    """

    def __init__(self, bits: int) -> None:
        self._span = 1 << bits
        self._sum: int | None = 0
        self._last: int | None = None
        self._open = False

    def start(self, reading: int | None) -> None:
        """The device opens: what was counted before is not its own."""
        self._last, self._open = reading, True

    def total(self, reading: int | None) -> int | None:
        """What it rose by so far, by a reading made now; None: unknown."""
        if not self._open:
            return self._sum
        if reading is None or self._last is None or self._sum is None:
            return None
        self._sum += (reading - self._last) % self._span
        self._last = reading
        return self._sum

    def stop(self, reading: int | None) -> None:
        """The device closes: this reading is the last of its own. Nothing happens where it is closed."""
        self._sum = self.total(reading)
        self._open = False
