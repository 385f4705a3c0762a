"""Options of classes, and values that do not fit them."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated, Any, Literal

import msgspec
import pytest

from tunnel.config import Document
from tunnel.errors import ConfigError
from tunnel.options import build, convert, schema

NAMES = ["a"]


class Peer(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    ports: list[int] = []


class Options(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    mtu: Annotated[int, msgspec.Meta(ge=68, le=65535, description="bytes")] = 1500
    mode: Literal["end", "recreate"] = "end"
    limit: Annotated[int, msgspec.Meta(ge=1)] | None = None
    names: Annotated[list[str], msgspec.Meta(min_length=1, description="of hosts")] = []
    pairs: tuple[int, ...] = ()
    rate: float = 0.0
    peers: list[Peer] = []
    labels: dict[str, int] = {}
    either: str | int = 0
    address: IPv4Address | None = None
    renamed: int = msgspec.field(name="other", default=0)


def complaints(table: dict[str, Any], options: type[msgspec.Struct] = Options) -> list[str]:
    document = Document("f", {}, {})
    assert convert(options, table, ("t",), document) is None
    return [problem.text for problem in document.problems]


def test_values_come_by_field_name_and_only_those_given() -> None:
    document = Document("f", {}, {})
    table = {"mtu": 1400, "rate": 2, "pairs": [1, 2], "peers": [{"key": "k"}], "other": 3, "address": "192.0.2.1"}
    assert convert(Options, table, ("t",), document) == {
        "mtu": 1400, "rate": 2.0, "pairs": (1, 2), "peers": [Peer("k")], "renamed": 3,
        "address": IPv4Address("192.0.2.1"),
    }
    assert document.problems == []


@pytest.mark.parametrize(("table", "expected"), [
    ({"mtu": "1400"}, 't.mtu: found the string "1400", expected an integer (bytes)'),
    ({"mtu": True}, "t.mtu: found the boolean true, expected an integer (bytes)"),
    ({"mtu": 1.5}, "t.mtu: found the float 1.5, expected an integer (bytes)"),
    ({"mtu": 67}, "t.mtu: found the integer 67, expected an integer >= 68 (bytes)"),
    ({"mtu": 65536}, "t.mtu: found the integer 65536, expected an integer <= 65535 (bytes)"),
    ({"mode": "ends"}, 't.mode: found the string "ends" (did you mean "end"?), expected one of end, recreate'),
    ({"mode": 1}, "t.mode: found the integer 1, expected a string"),
    ({"limit": 0}, "t.limit: found the integer 0, expected an integer >= 1"),
    ({"limit": "x"}, 't.limit: found the string "x", expected an integer'),
    ({"names": "a"}, 't.names: found the string "a", expected an array (of hosts)'),
    ({"names": []}, "t.names: found an array, expected an array of length >= 1 (of hosts)"),
    ({"names": ["a", 1]}, "t.names[1]: found the integer 1, expected a string"),
    ({"pairs": [1, "x"]}, 't.pairs[1]: found the string "x", expected an integer'),
    ({"peers": [{"key": 1}]}, "t.peers[0].key: found the integer 1, expected a string"),
    ({"peers": [{}]}, 't.peers[0]: the key "key" is missing, expected a string'),
    ({"peers": [{"key": "k", "port": []}]},
     't.peers[0].port: unknown key (did you mean "ports"?), expected one of key, ports'),
    ({"peers": {}}, "t.peers: found a table, expected an array"),
    ({"labels": {"a": "x"}}, 't.labels.a: found the string "x", expected an integer'),
    ({"either": []}, "t.either: found an array, expected an integer or a string"),
    ({"address": "300.0.0.1"}, "Octet 300 (> 255) not permitted"),
    ({"renamed": 1}, "t.renamed: unknown key"),
])
def test_a_value_that_does_not_fit(table: dict[str, Any], expected: str) -> None:
    (text,) = complaints(table)
    assert expected in text


def test_every_mistake_is_reported() -> None:
    table = {"mtu": 1, "nmaes": [], "peers": [{"key": 1, "ports": ["a", 2, "b"]}, {}]}
    assert {text.split(":")[0] for text in complaints(table)} == {
        "t.mtu", "t.nmaes", "t.peers[0].key", "t.peers[0].ports[0]", "t.peers[0].ports[2]", "t.peers[1]",
    }


def test_an_annotation_that_msgspec_refuses() -> None:
    odd = msgspec.defstruct("Odd", [("pair", Annotated[int | None, msgspec.Meta(ge=1)])])
    (text,) = complaints({"pair": 3}, odd)
    assert text.startswith("t.pair: cannot be set in a file: Can only set `ge` on a numeric type")


def test_a_plain_class_is_read_from_its_constructor() -> None:
    class Plain:
        def __init__(self, peer: str, *rest: int, rate: float = 1.0, names: list[str] = NAMES, free=None, **more):
            pass

    fields = msgspec.structs.fields(schema(Plain))
    assert [(field.name, field.type, field.required) for field in fields] == [
        ("peer", str, True), ("rate", float, False), ("names", list[str], False), ("free", Any, False),
    ]


def test_the_nearest_class_decides() -> None:
    class Native:
        Options = Options

    class Heir(Native):
        pass

    class Own(Native):
        def __init__(self, *, gain: int = 0) -> None:
            pass

    assert schema(Heir) is Options
    assert schema(Own).__struct_fields__ == ("gain",)
    assert schema(object).__struct_fields__ == ()


def test_an_annotation_that_means_nothing() -> None:
    class Odd:
        def __init__(self, *, gain: Nothing = 0) -> None:  # type: ignore[name-defined]  # noqa: F821
            pass

    with pytest.raises(ConfigError, match=r"Odd.__init__: annotation not understood: name 'Nothing' is not defined"):
        schema(Odd)


class Cat(msgspec.Struct, kw_only=True, tag="cat", tag_field="type", forbid_unknown_fields=True):
    lives: int = 9


class Dog(msgspec.Struct, kw_only=True, tag="dog", tag_field="type", forbid_unknown_fields=True):
    tricks: list[str]


class House(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    name: str
    animals: dict[str, Cat | Dog] = {}
    rooms: list[Peer] = []
    walls: int = 4


def built(table: Any) -> tuple[House | None, list[str]]:
    document = Document("f", {}, {})
    return build(House, table, ("h",), document), [problem.text for problem in document.problems]


def test_a_sound_table_is_built() -> None:
    table = {"name": "x", "animals": {"a": {"type": "cat"}, "b": {"type": "dog", "tricks": ["sit"]}}}
    assert built(table) == (House(name="x", animals={"a": Cat(), "b": Dog(tricks=["sit"])}), [])


@pytest.mark.parametrize(("animal", "expected"), [
    ({}, 'h.animals.a: the key "type" is missing, expected one of cat, dog'),
    ({"type": "cta"}, 'h.animals.a.type: found the string "cta" (did you mean "cat"?), expected one of cat, dog'),
    ({"type": []}, "h.animals.a.type: found an array, expected one of cat, dog"),
    ({"type": "cat", "lifes": 1}, 'h.animals.a.lifes: unknown key (did you mean "lives"?), expected lives'),
    ({"type": "cat", "lives": "x"}, 'h.animals.a.lives: found the string "x", expected an integer'),
    ({"type": "dog"}, 'h.animals.a: the key "tricks" is missing, expected an array'),
    (7, "h.animals.a: found the integer 7, expected a table"),
])
def test_one_of_several_tables_by_its_tag(animal: Any, expected: str) -> None:
    assert built({"name": "x", "animals": {"a": animal}})[1] == [expected]


def test_what_is_sound_is_built_beside_mistakes() -> None:
    rooms = [{"key": "k"}, {"key": 1}]
    table = {"name": "x", "animals": {"a": {"type": "cat"}, "b": {}}, "rooms": rooms, "walls": "x"}
    house, texts = built(table)
    assert house == House(name="x", animals={"a": Cat()})
    assert [text.partition(": ")[0] for text in texts] == ["h.animals.b", "h.rooms[1].key", "h.walls"]


@pytest.mark.parametrize("table", [7, [], {"walls": 3}])
def test_nothing_is_built_of_what_is_no_table_or_misses_a_key(table: Any) -> None:
    house, texts = built(table)
    assert house is None
    assert len(texts) == 1
