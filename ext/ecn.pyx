"""Explicit congestion notification across a tunnel: see the ``.pxd``; here is its face for Python."""

from _fields cimport packet_make_own

from tunnel.packet cimport Packet


def encap(uint8_t inner):
    """The ToS byte outside for the one inside."""
    return ecn_encap(inner)


def decap(Packet packet not None, uint8_t outer_tos):
    """Take over into a parsed packet what the ToS byte outside tells. ``ValueError`` where it is no IP packet."""
    if packet.p.ip_version == 0:
        raise ValueError("not an IP packet, or not parsed yet")
    packet_make_own(packet.arena, packet.p)
    ecn_decap(packet.p, outer_tos)
