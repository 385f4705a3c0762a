"""The checksums of whole packets: summing, verifying."""

from tunnel.packet import Packet

def total(data: bytes | bytearray | memoryview, *, portable: bool = False) -> int:
    """The one's complement sum of 16-bit words (RFC 1071), not complemented: 0 to 0xffff.

    ``portable`` takes the loop that headers are summed by, which is the same on every machine.
    """

def total_copied(into: bytearray | memoryview, data: bytes | bytearray | memoryview) -> int:
    """``total``, while the bytes are copied to the front of ``into``.

    Raises ``ValueError`` where ``into`` is shorter, ``BufferError`` where it is read-only.
    """

def verify(packet: Packet) -> bool:
    """False where the packet has a complete TCP, UDP, ICMP or ICMPv6 checksum that is wrong.

    True for what carries none: fragments, other protocols, UDP over IPv4 with 0 in the field, and
    where the checksum is still to be finished.
    """
