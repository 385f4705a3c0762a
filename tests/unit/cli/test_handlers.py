"""``tunnel handlers``."""

from __future__ import annotations

import json

import pytest

from tests.unit.cli.calls import call
from tunnel import __version__


def test_the_types_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [line.split() for line in call(capsys, "handlers").out.splitlines()]
    assert rows[0] == ["TYPE", "KIND", "CLASS", "FROM"]
    assert ["echo", "handler", "tunnel.handlers.echo:Echo", "tunnel", __version__] in rows
    assert ["tun", "device", "tunnel.devices.tuntap:Tun", "tunnel", __version__] in rows


def test_json_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    listed = json.loads(call(capsys, "handlers", "-j").out)
    assert {
        "kind": "handler", "name": "echo", "target": "tunnel.handlers.echo:Echo",
        "distribution": "tunnel", "version": __version__,
    } in listed
