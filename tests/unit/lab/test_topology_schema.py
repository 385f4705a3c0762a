"""The JSON Schema of topology files."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.unit.lab.topologies import LABS, SOUND
from tunnel.lab import topology_schema

VALIDATOR = jsonschema.Draft202012Validator(json.loads(topology_schema.shipped()))


def complaints(text: str) -> list[Any]:
    """The places of what the schema does not allow."""
    return [list(error.absolute_path) for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def test_what_is_shipped_is_what_the_structs_say() -> None:
    assert topology_schema.shipped() == topology_schema.text(), "python -m tunnel.lab.topology_schema writes it anew"


def test_it_is_a_schema() -> None:
    VALIDATOR.check_schema(VALIDATOR.schema)
    assert VALIDATOR.schema["properties"].keys() == {"name", "nodes", "bridges", "links", "defaults"}


@pytest.mark.parametrize("file", sorted(LABS.glob("*.toml")), ids=lambda file: file.stem)
def test_every_example_is_valid(file: Path) -> None:
    assert complaints(file.read_text()) == []


def test_defaults_and_keys_of_other_spellings_are_known() -> None:
    assert complaints(SOUND + "[defaults.links]\nmtu = 1400\n[defaults.interfaces]\nowner = 1\n") == []


@pytest.mark.parametrize(("text", "place"), [
    ("mtu = 67", ["links", 0, "mtu"]),
    ("colour = 3", ["links", 0]),
    ("[defaults.links]\naddress = []", ["defaults", "links"]),
    ('[nodes.a.interfaces.t]\ntype = "tpa"', ["nodes", "a", "interfaces", "t"]),
])
def test_what_the_structs_refuse_is_invalid(text: str, place: list[Any]) -> None:
    assert complaints(f'name = "x"\n[[links]]\nendpoints = ["a:e", "b:e"]\n{text}\n') == [place]
