"""Rotation of keypairs; seen from Python through ``PeerState``."""
