"""What the tables of a topology file inherit.

    [defaults.nodes]        keys of a node, but for interfaces and neighbours
    [defaults.bridges]      keys of a bridge, but for interfaces, address, mac and fdb
    [defaults.links]        keys of a link, but for endpoints, addresses and MACs
    [defaults.interfaces]   keys of what stands in ``interfaces``, for the types that have them

A table's own value wins; of the tables ``sysctls``, ``impair`` and ``impair_back`` each key does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from msgspec.structs import FieldInfo, fields

from tunnel.lab.topology import AnyInterface, Bridge, Link, Node, Table, Topology
from tunnel.toml_lines import Place

KINDS = {one.__struct_config__.tag: one for one in get_args(AnyInterface)}
SHARED = ("mtu", "txqueuelen", "up", "owner", "group", "multi_queue", "learning")


def _table(name: str, doc: str, keys: list[tuple[str, Any, Any]], base: type[Table] = Table) -> Any:
    return msgspec.defstruct(
        name, keys, bases=(base,), kw_only=True, namespace={"__doc__": doc}, module=__name__
    )


def _keys(*kinds: type[Table], only: Sequence[str] = (), but: Sequence[str] = ()) -> list[tuple[str, Any, Any]]:
    """Some of the keys of tables, each with type and default."""
    every = {one.name: one for kind in kinds for one in fields(kind)}
    return [_key(every[name]) for name in only or [name for name in every if name not in but]]


def _part(name: str, kind: Any) -> tuple[str, Any, Any]:
    return name, kind, msgspec.field(default_factory=kind)


def _key(one: FieldInfo) -> tuple[str, Any, Any]:
    if one.default_factory is not msgspec.NODEFAULT:
        return one.name, one.type, msgspec.field(default_factory=one.default_factory)
    return one.name, one.type, one.default


_OF = {
    "nodes": _table("NodeDefaults", "What nodes inherit.", _keys(Node, but=("interfaces", "neighbours"))),
    "bridges": _table(
        "BridgeDefaults", "What bridges inherit.", _keys(Bridge, but=("interfaces", "address", "mac", "fdb"))
    ),
    "links": _table(
        "LinkDefaults",
        "What links inherit.",
        _keys(Link, but=("endpoints", "address", "peer_address", "mac", "peer_mac")),
    ),
    "interfaces": _table(
        "InterfaceDefaults", "What interfaces inherit.", _keys(*get_args(AnyInterface), only=SHARED)
    ),
}
Defaults = _table("Defaults", "What tables inherit.", [_part(name, kind) for name, kind in _OF.items()])
File = _table(
    "File", "A topology file: a lab, and what its tables inherit.", [_part("defaults", Defaults)], Topology
)


def inherited(given: dict[str, Any], own: Any) -> Any:
    """The table ``own`` with what it does not say itself; what is no table stays what it is."""
    if not isinstance(own, dict) or not given:
        return own
    both = {
        key: {**value, **own[key]}
        for key, value in given.items()
        if isinstance(value, dict) and isinstance(own.get(key), dict)
    }
    return {**given, **own, **both}


def interface_inherited(given: dict[str, Any], own: Any) -> Any:
    """As ``inherited``, of the keys that the interface's type has."""
    kind = KINDS.get(own.get("type")) if isinstance(own, dict) and isinstance(own.get("type"), str) else None
    if kind is None:
        return own
    return inherited({key: value for key, value in given.items() if key in kind.__struct_fields__}, own)


def origin(path: Place, lines: dict[Place, int]) -> Place:
    """Where the value at ``path`` was written: there, or in ``defaults``."""
    if path in lines or len(path) < 3:
        return path
    kind, _, *rest = path
    if rest[0] == "interfaces" and len(rest) > 2:
        kind, rest = "interfaces", rest[2:]
    default = ("defaults", kind, *rest)
    return default if default in lines else path
