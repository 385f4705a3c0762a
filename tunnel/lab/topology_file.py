"""Reads a topology file: the values of ``tunnel.lab.topology``, and the line of each.

What is wrong is collected and raised at once, each mistake with its line, those across tables
(``tunnel.lab.topology_check``) among them. What merely follows from another mistake is left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import fields

from tunnel import config, options
from tunnel.config import Document, choices, meant, shown
from tunnel.errors import ConfigError
from tunnel.lab.topology import Bridge, Link, Node, Table, Topology
from tunnel.lab.topology_check import check
from tunnel.lab.topology_defaults import Defaults, inherited, interface_inherited, origin
from tunnel.lab.topology_facts import UNREAD, Facts
from tunnel.toml_lines import Place

Kind = TypeVar("Kind", bound=Table)

# Who lacks these may lack what other tables count on.
_JOINING = {"interfaces", "endpoints", "address", "peer_address", "impair", "impair_back"}
_KEYS = ("name", "nodes", "bridges", "links", "defaults")


@dataclass(frozen=True)
class Loaded:
    """What a topology file says.

    ``lines`` has the line of each table, key and element by its path, such as ``("nodes", "a")`` or
    ``("links", 0, "address", 1)``; ``folder`` is the one that the names of graph files start from.
    """

    topology: Topology
    file: str
    lines: dict[Place, int]
    folder: Path

    def place(self, path: Place) -> str:
        """``FILE:LINE`` of what stands at ``path``, or of the nearest table around it."""
        line = Document(self.file, {}, self.lines).line(origin(path, self.lines))
        return self.file if line is None else f"{self.file}:{line}"


def load(path: str | os.PathLike[str], trust: bool = False, facts: Facts | None = None) -> Loaded:
    """The lab that the file describes.

    As root the file and the graph files it names are refused where others may write them, unless
    ``trust``. ``facts`` are what is known of the machine. All mistakes are one ``ConfigError``.
    """
    return _Reading(config.read(path, trust), trust).run(facts or Facts())


def parse(text: str, file: str = "topology", facts: Facts | None = None) -> Loaded:
    """As ``load``, of a text; ``file`` is what its mistakes call it, and graph files are beside that."""
    return _Reading(config.parsed(text, file), True).run(facts or Facts())


class _Reading:
    def __init__(self, document: Document, trust: bool) -> None:
        self.document, self.trust = document, trust
        self.folder = Path(document.file).parent
        self.incomplete: set[Place] = set()      # what has mistakes, so that nothing follows from what it lacks
        self.defaults: dict[str, dict[str, Any]] = {}

    def run(self, facts: Facts) -> Loaded:
        for key in self.document.values.keys() - set(_KEYS):
            self.document.report((key,), f"unknown key{meant(key, _KEYS)}, {choices(_KEYS)}")
        self.read_defaults()
        topology = Topology(
            name=self.name(),
            nodes=dict(self.named("nodes", Node, Node())),
            bridges=dict(self.named("bridges", Bridge, Bridge())),
            links=list(self.links()),
        )
        self.graphs(topology)
        self.across(topology, facts)
        self.document.finish()
        return Loaded(topology, self.document.file, self.document.lines, self.folder)

    def name(self) -> str:
        name = self.document.values.get("name")
        if name is None:
            self.document.report((), 'the key "name" is missing, expected a string')
        elif not isinstance(name, str):
            self.document.report(("name",), f"found {shown(name)}, expected a string")
        else:
            return name
        self.incomplete.add(("name",))
        return ""

    def table(self, *path: str) -> dict[str, Any]:
        """The table at ``path``; empty where there is none, or something else."""
        found = self.document.values.get(path[0], {})
        if not isinstance(found, dict):
            self.document.report(path, f"found {shown(found)}, expected a table")
            self.incomplete.add(path)
            return {}
        return found

    def read_defaults(self) -> None:
        """Of a table with a mistake nothing is inherited, and all that would inherit it is incomplete."""
        given = self.table("defaults")
        kinds = {one.name: one.type for one in fields(Defaults)}
        for key in given.keys() - kinds.keys():
            self.document.report(("defaults", key), f"unknown key{meant(key, kinds)}, {choices(kinds)}")
        for key, kind in kinds.items():
            before = len(self.document.problems)
            options.build(kind, given.get(key, {}), ("defaults", key), self.document)
            if len(self.document.problems) == before:
                self.defaults[key] = given.get(key, {})
            else:
                self.incomplete |= {("defaults", key)}

    def named(self, what: str, kind: type[Kind], instead: Kind) -> Iterator[tuple[str, Kind]]:
        for name, own in self.table(what).items():
            yield name, self.one(kind, (what, name), own, instead)

    def links(self) -> Iterator[Link]:
        given = self.document.values.get("links", [])
        if not isinstance(given, list):
            self.document.report(("links",), f"found {shown(given)}, expected an array of tables")
            self.incomplete.add(("links",))
            return
        for index, own in enumerate(given):
            yield self.one(Link, ("links", index), own, UNREAD)

    def one(self, kind: type[Kind], path: Place, own: Any, instead: Kind) -> Kind:
        """A node, bridge or link with what it inherits."""
        what, before = str(path[0]), len(self.document.reported)
        whole = self.with_interfaces(inherited(self.defaults.get(what, {}), own))
        found = options.build(kind, whole, path, self.document, instead)
        wrong = {key for place in self.document.reported[before:] for key in place[2:3] or ("",)}
        if wrong & _JOINING or wrong - set(kind.__struct_fields__) or ("defaults", what) in self.incomplete:
            self.incomplete.add(path)
        return found or instead

    def with_interfaces(self, table: Any) -> Any:
        given = self.defaults.get("interfaces")
        if not given or not isinstance(table, dict) or not isinstance(table.get("interfaces"), dict):
            return table
        own = {name: interface_inherited(given, one) for name, one in table["interfaces"].items()}
        return {**table, "interfaces": own}

    def graphs(self, topology: Topology) -> None:
        """Each graph file can be read, is trusted and is TOML; what it says is its engine's to check."""
        wrong: dict[str, list[str]] = {}
        for name, node in topology.nodes.items():
            if node.graph is not None:
                if node.graph not in wrong:
                    wrong[node.graph] = _mistakes_of(self.folder / node.graph, self.trust)
                for text in wrong[node.graph]:
                    self.report(("nodes", name, "graph"), text)

    def across(self, topology: Topology, facts: Facts) -> None:
        for path, text in check(topology, facts, self.incomplete):
            self.report(path, text)

    def report(self, path: Place, text: str) -> None:
        """A mistake in an inherited value is one mistake, where it was written."""
        place = origin(path, self.document.lines)
        if place != path and place in self.incomplete:
            return
        if place != path:
            self.incomplete.add(place)
        self.document.report(place, text)


def _mistakes_of(path: Path, trust: bool) -> list[str]:
    if "\0" in str(path):
        return [f"found {shown(path.name)}, expected the name of a file"]
    try:
        config.read(path, trust)
    except ConfigError as error:
        return [str(problem) for problem in error.problems]
    return []
