"""The JSON Schema of topology files, for editors and other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from tunnel.lab.topology_defaults import File

SHIPPED = Path(__file__).with_name("topology.schema.json")


def schema() -> dict[str, Any]:
    """As the structs of ``tunnel.lab.topology`` say it; rules across tables are beyond a schema."""
    _, parts = msgspec.json.schema_components([File], ref_template="#/$defs/{name}")
    whole = parts.pop(File.__name__)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Topology of a lab of tunnel",
        **{key: value for key, value in whole.items() if key != "title"},
        "$defs": parts,
    }


def text() -> str:
    """The schema as the package has it."""
    return json.dumps(schema(), indent=2) + "\n"


def shipped() -> str:
    """The file in the package."""
    return SHIPPED.read_text()


if __name__ == "__main__":
    SHIPPED.write_text(text())
