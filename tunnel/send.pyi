"""Sending; called by ``tunnel.breath`` and ``tunnel.plan`` only."""
