"""What a packet's virtio header claims: which features it needs, and whether it can be true."""

from tunnel.packet import Packet

def needs(packet: Packet) -> int:
    """The feature bits (``tunnel.packet.F_*``) that the packet carries; 0 = a plain packet."""

def check(packet: Packet) -> int:
    """0, or BAD_GSO where what the virtio header claims is impossible for this packet."""
