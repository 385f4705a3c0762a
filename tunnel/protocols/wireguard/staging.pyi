"""Packets that wait for a session; seen from Python through ``PeerState``."""
