"""``tunnel lab check``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.cli.calls import call
from tunnel.lab import topology_schema

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
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    ended = call(capsys, "lab", "check", lab_file(tmp_path, 'name = "x"\n[bridges.b]\nhost = true\n'))
    assert ":3: bridges.b.host: only root makes a bridge in the host's namespace" in ended.err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is kept from files of others: run as root")
def test_as_root_a_file_that_others_may_write_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = lab_file(tmp_path)
    os.chmod(file, 0o666)
    ended = call(capsys, "lab", "check", file)
    assert ended.status == 1
    assert ended.err.startswith(f"tunnel: {file}: refused, since {file} may be written by others (mode 666)")
