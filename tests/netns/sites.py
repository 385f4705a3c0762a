"""What network tests begin with: two hosts on a cable, graph files."""

from __future__ import annotations

from pathlib import Path

from tunnel.lab import Lab, Node


def cabled(lab: Lab, *addresses: str, silent: bool = False) -> tuple[Node, Node]:
    """West and east, ``eth0`` to ``eth0``; ``{}`` in an address is the host's number, 1 or 2.

    ``silent``: the cable has no IPv6, so nobody speaks but who is asked to.
    """
    west, east = lab.node("west"), lab.node("east")
    lab.link((west, "eth0"), (east, "eth0"))
    for number, node in enumerate((west, east), 1):
        if silent:
            node.sysctl("net.ipv6.conf.eth0.disable_ipv6", 1)
        node.address("eth0", *(address.format(number) for address in addresses))
        node.up("eth0")
    return west, east


def graph(folder: Path, text: str) -> str:
    """The graph file of the text, in the folder; whoever it is that runs may read it."""
    path = folder / "graph.toml"
    path.write_text(text)
    path.chmod(0o644)
    return str(path)


def between(handler: str, kind: str, devices: dict[str, str], options: str = "", ports: str = "a b") -> str:
    """The text of a graph file: a handler of a kind with options, and on either side a device, name and type."""
    text = "".join(f'[devices.{name}]\ntype = "{type_}"\n' for name, type_ in devices.items())
    (left, right), (near, far) = devices, ports.split()
    links = f'[graph]\nlinks = ["{left} -- {handler}.{near}", "{handler}.{far} -- {right}"]\n'
    return f'{text}[handlers.{handler}]\ntype = "{kind}"\n{options}\n{links}'
