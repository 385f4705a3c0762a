"""What is done when a stage raises; called by ``tunnel.plan`` only."""
