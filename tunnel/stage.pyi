"""Stages; made and used by ``tunnel.plan`` and ``tunnel.breath`` only."""
