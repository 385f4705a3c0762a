"""Answers to ARP requests and IPv6 neighbour solicitations; native only, ``handlers.echo`` is its user."""
