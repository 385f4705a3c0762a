"""Staying in C while packets keep coming; called by ``tunnel.plan`` only."""
