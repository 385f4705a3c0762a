"""What only the whole graph tells: each check yields the problems it finds."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tunnel.errors import ConfigError, Problem
from tunnel.graph import Graph
from tunnel.handler import is_complete, is_parallel

MEDIA = {1: "Ethernet frames", 2: "IP packets", 3: "UDP datagrams"}      # medium_t in packet.pxd


def problems(graph: Graph, broken: Collection[str] = (), excused: Collection[str] = ()) -> list[Problem]:
    """Every mistake of the graph.

    ``broken`` are names that a file has but that could not be made, ``excused`` those whose links
    could not be made therefore: what would only follow from them is not reported.
    """
    found = [*_incomplete(graph), *_unable(graph), *_one_descriptor(graph)]
    found += [*_doubled(graph), *_unlinked(graph, excused), *_unfit(graph)]
    if graph.engine.workers > 1:
        found += _unshared(graph)
    if not broken and not excused:
        found += [*_without_device(graph), *_closed_loops(graph)]
    return found


def _incomplete(graph: Graph) -> Iterator[Problem]:
    for name, handler in graph.handlers.items():
        if not is_complete(handler):
            what = f"{type(handler).__name__} overrides neither process nor c_process, expected one of them"
            yield graph.problem(name, f"{name}: {what}")


def _unable(graph: Graph) -> Iterator[Problem]:
    for name, device in graph.devices.items():
        try:
            device.check()
        except ConfigError as error:
            yield from (graph.problem(name, problem.text) for problem in error.problems)


def _one_descriptor(graph: Graph) -> Iterator[Problem]:
    """Two devices would take each other's packets, and close it twice."""
    first: dict[int, str] = {}
    for name, device in graph.devices.items():
        other = first.setdefault(device.fd, name) if device.fd >= 0 else name
        if other != name:
            line = f" (line {graph.lines[other]})" if other in graph.lines else ""
            yield graph.problem(name, f"{name}: descriptor {device.fd} is that of {other}{line}, expected another")


def _unshared(graph: Graph) -> Iterator[Problem]:
    """What several workers cannot have."""
    workers = graph.engine.workers
    for name, device in graph.devices.items():
        try:
            device.queues(workers)
        except ConfigError as error:
            yield from (graph.problem(name, problem.text) for problem in error.problems)
    for name, handler in graph.handlers.items():
        if not is_parallel(handler):
            kind = type(handler).__name__
            what = f"{kind}, as it is set up here, does not allow {workers} workers (it is not `parallel`)"
            yield graph.problem(name, f"{name}: {what}, expected workers = 1")


def _doubled(graph: Graph) -> Iterator[Problem]:
    first: dict[tuple[str, int], int] = {}
    for index, link in enumerate(graph.links):
        other = first.setdefault(link[:2], index)
        if other != index:
            line = f" (line {graph.lines[other]})" if other in graph.lines else ""
            yield graph.problem(
                index,
                f'link "{graph.link_text(link)}": {graph.port_name(*link[:2])} already goes to '
                f"{graph.port_name(*graph.links[other][2:])}{line}, expected one place for each output: "
                "a tee or a switch sends to several",
            )


def _unlinked(graph: Graph, excused: Collection[str]) -> Iterator[Problem]:
    linked = {link.source for link in graph.links} | {link.target for link in graph.links}
    for name in graph.devices:
        if name not in linked and name not in excused:
            wanted = f'expected one such as "{name} -- NAME.PORT"'
            yield graph.problem(name, f"{name}: no link joins this device, {wanted}")


def _unfit(graph: Graph) -> Iterator[Problem]:
    """Links between ports that carry different media; a port that says nothing takes all."""
    told = set()
    for index, link in enumerate(graph.links):
        source, target = _medium(graph, *link[:2]), _medium(graph, *link[2:])
        ends = frozenset((link[:2], link[2:]))
        if source and target and source != target and ends not in told:
            told.add(ends)
            yield graph.problem(
                index,
                f'link "{graph.link_text(link)}": {graph.port_name(*link[:2])} carries {MEDIA[source]}, '
                f"{graph.port_name(*link[2:])} {MEDIA[target]}, expected the same at both ends",
            )


def _medium(graph: Graph, name: str, port: int) -> int | None:
    if name in graph.devices:
        return graph.devices[name].medium
    handler = graph.handlers[name]
    return handler.media.get(handler.ports[port])


def _without_device(graph: Graph) -> Iterator[Problem]:
    if not graph.devices:
        yield graph.problem(None, "the graph has no device, expected at least one")


def _closed_loops(graph: Graph) -> Iterator[Problem]:
    """A loop of links that no device is joined to, in whatever way: packets would circle for ever."""
    for group in _groups(graph):
        index = None if group & graph.devices.keys() else _loop_in(graph, group)
        if index is not None:
            text = graph.link_text(graph.links[index])
            what = "closes a loop without any device, expected one linked to it"
            yield graph.problem(index, f'link "{text}": {what}')


def _groups(graph: Graph) -> list[set[str]]:
    """The names that are joined to each other, whichever way the links go."""
    groups: list[set[str]] = []
    for link in graph.links:
        joined = [group for group in groups if link.source in group or link.target in group]
        groups = [group for group in groups if group not in joined]
        groups.append({link.source, link.target}.union(*joined))
    return groups


def _loop_in(graph: Graph, group: set[str]) -> int | None:
    """The index of the first link that leads back to where one can come from."""
    onward: dict[str, set[str]] = {name: set() for name in group}
    for index, link in enumerate(graph.links):
        if link.source in group:
            if link.source in _reached(onward, link.target):
                return index
            onward[link.source].add(link.target)
    return None


def _reached(onward: dict[str, set[str]], start: str) -> set[str]:
    seen, ahead = {start}, [start]
    while ahead:
        fresh = onward[ahead.pop()] - seen
        seen |= fresh
        ahead += fresh
    return seen
