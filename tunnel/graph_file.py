"""Fills a graph from a TOML file.

    [engine]            options of the engine, all optional
    [devices.NAME]      type = "tun", and the options of that class
    [handlers.NAME]     type = "echo", and the options of that class
    [graph]             links = ["NAME -- NAME.PORT", ...]

What is wrong is collected and raised at once, each mistake with its line. What merely follows from
another mistake is left out: an object that could not be made excuses the links that name it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import msgspec

from tunnel import config, options, registry
from tunnel.config import Document, choices, meant, shown
from tunnel.engine_options import EngineOptions
from tunnel.errors import ConfigError, Problem
from tunnel.graph import Graph, parse_link
from tunnel.graph_check import problems
from tunnel.toml_lines import Place

_TABLES = ("devices", "engine", "graph", "handlers")


class _GraphTable(msgspec.Struct):
    links: list[str]


def fill(graph: Graph, path: str | os.PathLike[str], trust: bool) -> None:
    """Puts everything in the file into the empty ``graph``; its mistakes are one ``ConfigError``."""
    document = config.read(path, trust)
    graph.file = document.file
    _Filling(graph, document, trust).run()
    document.finish()


class _Filling:
    def __init__(self, graph: Graph, document: Document, trust: bool) -> None:
        self.graph, self.document, self.trust = graph, document, trust
        self.folder = Path(document.file).parent
        self.broken: set[str] = set()      # names in the file that could not be made
        self.excused: set[str] = set()     # names whose links could not be made

    def run(self) -> None:
        for key in self.document.values.keys() - set(_TABLES):
            self.document.report((key,), f"unknown table{meant(key, _TABLES)}, {choices(_TABLES)}")
        self.engine()
        for kind in get_args(registry.Kind):
            for name in self.table(f"{kind}s"):
                self.node(kind, name)
        self.links()
        self.document.problems += problems(self.graph, self.broken, self.excused)

    def table(self, *path: str) -> dict[str, Any]:
        """The table at ``path``; empty where there is none, or something else."""
        found: Any = self.document.values
        for key in path:
            found = found.get(key, {})
        if not isinstance(found, dict):
            self.document.report(path, f"found {shown(found)}, expected a table")
            return {}
        return found

    def engine(self) -> None:
        given = options.convert(EngineOptions, self.table("engine"), ("engine",), self.document)
        if given is not None:
            self.graph.engine = EngineOptions(**given)

    def node(self, kind: registry.Kind, name: str) -> None:
        path = (f"{kind}s", name)
        before = len(self.document.problems)
        given = dict(self.table(*path))
        cls = self.cls(kind, path, given.pop("type", None)) if len(self.document.problems) == before else None
        if cls is None or not self.make(cls, path, given):
            self.broken.add(name)

    def cls(self, kind: registry.Kind, path: tuple[str, str], name: Any) -> type[Any] | None:
        if name is None:
            known = [entry.name for entry in registry.entries(kind)]
            self.document.report(path, f'the key "type" is missing, {choices(known)}')
        elif not isinstance(name, str):
            self.document.report((*path, "type"), f"found {shown(name)}, expected a string")
        else:
            found: type[Any] | None = self.attempt(
                (*path, "type"), lambda: registry.find(kind, name, self.folder, self.trust)
            )
            return found
        return None

    def make(self, cls: type[Any], path: tuple[str, str], table: dict[str, Any]) -> bool:
        """Builds the object and adds it; False where a mistake was reported instead."""
        schema = self.attempt(path, lambda: options.schema(cls))
        given = schema and options.convert(schema, table, path, self.document)
        if given is None:
            return False
        node = self.attempt(path, lambda: cls(**given))
        if node is None or self.attempt(path, lambda: self.graph.add(node, path[1])) is None:
            return False
        self.graph.lines[path[1]] = self.document.line(path)
        return True

    def links(self) -> None:
        given = options.convert(_GraphTable, self.table("graph"), ("graph",), self.document)
        if given is None:
            self.excused |= self.graph.devices.keys()
            return
        for index, text in enumerate(given["links"]):
            self.link(text, self.document.line(("graph", "links", index)))

    def link(self, text: str, line: int | None) -> None:
        names: set[str] = set()
        before = len(self.graph.links)
        try:
            left, _, right = parse_link(text)
            names = {left, right, left.partition(".")[0], right.partition(".")[0]}
            if not names & self.broken:
                self.graph.link(text)
                names.clear()
        except ConfigError as error:
            self.document.problems += (Problem(one.text, self.document.file, line) for one in error.problems)
        self.excused |= names
        self.graph.lines |= dict.fromkeys(range(before, len(self.graph.links)), line)

    def attempt(self, path: Place, build: Callable[[], Any]) -> Any:
        """What ``build`` returns; None where it raised, which is then reported."""
        try:
            return build()
        except ConfigError as error:
            for problem in error.problems:
                self.document.report(*self.blamed(path, str(problem)))
        except (TypeError, ValueError, OverflowError) as error:
            place, _ = self.blamed(path, str(error))
            self.document.report(place, f"{type(error).__name__}: {error}")
        return None

    def blamed(self, path: Place, text: str) -> tuple[Place, str]:
        """The key that a constructor's message begins with, if the table has it, and the rest."""
        key, _, rest = text.partition(" ")
        place = (*path, key.removesuffix(":"))
        if place not in self.document.lines:
            return path, text
        return place, rest if key.endswith(":") else text
