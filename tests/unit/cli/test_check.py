"""``tunnel check``."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.cli.calls import call, graph_file


def test_a_sound_file_is_a_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = graph_file(tmp_path, '"a -- two.left", "two.right -> b"')
    ended = call(capsys, "check", "--trust-file", file)
    assert (ended.status, ended.err) == (0, "")
    assert [line.split(maxsplit=3) for line in ended.out.splitlines()] == [
        ["NAME", "KIND", "CLASS", "LINKS"],
        ["a", "device", "Cable", "-- two.left"],
        ["b", "device", "Cable", "<- two.right"],
        ["two", "handler", "Two", "left -- a, right -> b"],
    ]


def test_json_has_the_same(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tree = json.loads(call(capsys, "check", "-j", "--trust-file", graph_file(tmp_path)).out)
    assert tree["links"] == [{"from": "a", "to": "b"}, {"from": "b", "to": "a"}]
    assert [*tree["devices"]] == ["a", "b"]
    assert tree["devices"]["a"].endswith(":Cable")
    assert tree["engine"]["loop"] == "uvloop"


def test_mistakes_are_lines_with_their_place(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = graph_file(tmp_path, '"a -- two.lfet",\n"b -- c"')
    ended = call(capsys, "check", "--trust-file", file)
    assert (ended.status, ended.out) == (1, "")
    first, second = ended.err.splitlines()
    assert first.startswith(f'tunnel: {file}:8: link "a -- two.lfet": two has no port "lfet" (did you mean "left"?)')
    assert second.startswith(f'tunnel: {file}:9: link "b -- c": nothing is named "c"')


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is kept from files of others: run as root")
def test_as_root_a_file_that_others_may_write_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = graph_file(tmp_path)
    os.chmod(file, 0o666)
    ended = call(capsys, "check", file)
    assert ended.status == 1
    assert ended.err.startswith(f"tunnel: {file}: refused, since {file} may be written by others (mode 666)")
    assert call(capsys, "check", "--trust-file", file).status == 0
