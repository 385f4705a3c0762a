"""Which devices of a graph bring what leaves through a tunnel, by sends of a limited size."""

from __future__ import annotations

from tunnel.graph import Graph


def tell_sends(graph: Graph) -> None:
    """Before devices are opened: each learns what ``sends`` says of it (``Device.leads_to``)."""
    for name, (send_max, overhead) in sends(graph).items():
        graph.devices[name].leads_to(send_max, overhead)


def sends(graph: Graph) -> dict[str, tuple[int, int]]:
    """By device: the ``send_max`` of one that its packets come to through handlers, and the overhead.

    The overhead is the sum of the handlers' on the way, bytes a packet. To each device the shortest
    way counts; of several devices the smallest ``send_max``, then the largest overhead.
    """
    found = {name: _tightest(graph, name) for name in graph.devices}
    return {name: least for name, least in found.items() if least is not None}


def _tightest(graph: Graph, start: str) -> tuple[int, int] | None:
    seen, ahead = {start}, [(start, 0)]
    ends: list[tuple[int, int]] = []
    for name, overhead in ahead:  # grows while it is walked
        for target in [link.target for link in graph.links if link.source == name and link.target not in seen]:
            seen.add(target)
            if target in graph.handlers:
                ahead.append((target, overhead + graph.handlers[target].overhead))
            elif graph.devices[target].send_max and name != start:
                ends.append((graph.devices[target].send_max, overhead))
    return min(ends, key=lambda end: (end[0], -end[1]), default=None)
