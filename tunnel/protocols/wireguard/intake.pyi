"""Handshake messages are taken in or turned away; called by the handler."""
