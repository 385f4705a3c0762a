"""Packets of the overlay become transport messages; called by the handler."""
