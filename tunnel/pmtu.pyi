"""The path's MTU told to those who send; native only, ``handlers.udp_tunnel`` is its user."""
