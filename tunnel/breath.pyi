"""The one data path; called by ``tunnel.plan`` only."""
