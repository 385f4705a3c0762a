"""Topology files of any content: mistakes are told, never a traceback."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.lab.topologies import SOUND
from tunnel.errors import ConfigError
from tunnel.lab.topology import Bridge, Node, Route, Tap, Topology
from tunnel.lab.topology_file import Loaded, parse

# Any value under keys that mean something, so that each rule meets what it was not written for.
KEYS = sorted({
    *Topology.__struct_fields__, *Node.__struct_fields__, *Bridge.__struct_fields__, *Tap.__struct_fields__,
    *Route.__struct_fields__, "defaults", "endpoints", "impair", "impair_back", "peer_address", "type", "a", "br0",
    "a:eth0", "command", "ready", "env", "from", "vni", "parent", "remote", "delay_ms", "loss_pct", "net.ipv4.x",
})
LEAVES = st.one_of(
    st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.dates(),
    st.sampled_from(["a:eth0", "br0", "a", "10.0.0.1/24", "fd00::1/64", "default", "10.0.0.1", "tun", "tap", "vxlan"]),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
    max_leaves=20,
)
TABLES = st.dictionaries(st.sampled_from(["nodes", "bridges", "links", "defaults", "name"]), VALUES, max_size=5)


def toml(value: Any) -> str:
    """A value as TOML writes it in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {toml(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return quoted(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(letter):08x}" for letter in text) + '"'


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every table and array in a value, with each of its keys."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from places(value[key])


def survives(tables: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in tables.items())
    found: Loaded | None = None
    with suppress(ConfigError):
        found = parse(text)
    assert found is None or found.topology.name == tables["name"]


@settings(max_examples=50, deadline=None)
@given(TABLES)
def test_no_table_is_a_traceback(tables: dict[str, Any]) -> None:
    survives(tables)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_changed_value_is_a_traceback(data: st.DataObject) -> None:
    tables = tomllib.loads(SOUND)
    for _ in range(data.draw(st.integers(1, 3))):
        of, key = data.draw(st.sampled_from(list(places(tables))))
        of[key] = data.draw(VALUES)
    survives(tables)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_no_further_key_is_a_traceback(data: st.DataObject) -> None:
    tables = tomllib.loads(SOUND)
    of = data.draw(st.sampled_from([of for of, _ in places(tables) if isinstance(of, dict)]))
    of[data.draw(st.sampled_from(KEYS) | st.text(max_size=4))] = data.draw(VALUES)
    survives(tables)
