from tunnel.packet import Packet

def encap(inner: int) -> int:
    """The ToS byte outside for the one inside."""

def decap(packet: Packet, outer_tos: int) -> None:
    """Take over into a parsed packet what the ToS byte outside tells. ``ValueError`` where it is no IP packet."""
