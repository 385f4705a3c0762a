"""``tunnel lab check``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.calls import call
from tunnel.lab import machine, topology_schema

LAB = """\
name = "x"
[nodes.a.interfaces.tun0]
type = "tun"
address = ["10.9.0.1/24"]
[bridges.br0]
address = ["10.0.0.254/24"]
[bridges.br0.interfaces.tap0]
type = "tap"
[[links]]
endpoints = ["a:eth0", "br0"]
address = ["10.0.0.1/24", "fd00::1/64"]
[[links]]
endpoints = ["br0", "a:eth1"]
impair = {}
"""


def lab_file(folder: Path, text: str = LAB) -> str:
    file = folder / "lab.toml"
    file.write_text(text)
    return str(file)


def test_a_sound_file_is_a_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    ended = call(capsys, "lab", "check", "--trust-file", lab_file(tmp_path))
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("NAME ")
    assert [line.split() for line in ended.out.splitlines()[1:]] == [
        ["a", "node"],
        ["a:tun0", "tun", "10.9.0.1/24"],
        ["a:eth0", "link", "10.0.0.1/24,", "fd00::1/64", "br0"],
        ["a:eth1", "impaired", "link", "br0"],
        ["br0", "bridge", "10.0.0.254/24", "a:eth0,", "a:eth1"],
        ["br0:tap0", "tap"],
    ]


def test_json_has_the_whole(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tree = json.loads(call(capsys, "lab", "check", "-j", "--trust-file", lab_file(tmp_path)).out)
    assert (tree["name"], [*tree["nodes"]], [*tree["bridges"]]) == ("x", ["a"], ["br0"])
    assert tree["nodes"]["a"]["interfaces"]["tun0"] == {"type": "tun", "address": ["10.9.0.1/24"]}
    assert tree["links"][0]["endpoints"] == ["a:eth0", "br0"]


def test_mistakes_are_lines_with_their_place(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = lab_file(tmp_path, LAB.replace('"br0"', '"br9"').replace("impair = {}", "impair = { los = 1 }"))
    ended = call(capsys, "lab", "check", "--trust-file", file)
    assert (ended.status, ended.out) == (1, "")
    assert [line.partition(" (did")[0].partition(", exp")[0] for line in ended.err.splitlines()] == [
        f'tunnel: {file}:10: links[0].endpoints[1]: no bridge is named "br9"',
        f'tunnel: {file}:13: links[1].endpoints[0]: no bridge is named "br9"',
        f"tunnel: {file}:14: links[1].impair.los: unknown key",
    ]


def test_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "lab", "check", "--schema") == (0, topology_schema.shipped(), "")


def test_what_needs_root_is_told_to_others(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(machine, "has_rights", lambda: False)
    text = 'name = "x"\n[bridges.b]\nhost = true\n[nodes.a.interfaces.eth0]\ntype = "card"\ncard = "eth7"\n'
    ended = call(capsys, "lab", "check", "--trust-file", lab_file(tmp_path, text))
    assert ":3: bridges.b.host: only root makes a bridge in the host's namespace" in ended.err
    assert ":6: nodes.a.interfaces.eth0.card: " in ended.err


def test_what_the_kernel_lacks_is_told_with_its_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = lab_file(tmp_path, 'name = "x"\n[bridges.b]\nstp = true\nvlan_filtering = true\n')
    monkeypatch.setattr(machine, "bridges_filter_vlans", lambda: False)
    ended = call(capsys, "lab", "check", "--trust-file", file)
    assert (ended.status, ended.out) == (1, "")
    assert f"tunnel: {file}:4: bridges.b.vlan_filtering: " in ended.err
    monkeypatch.setattr(machine, "bridges_filter_vlans", lambda: None)  # not known
    assert call(capsys, "lab", "check", "--trust-file", file).status == 0
