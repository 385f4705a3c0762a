"""``tunnel lab down``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.calls import call


def test_a_folder_of_the_lab_s_name_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "no-such-lab").mkdir()
    monkeypatch.chdir(tmp_path)
    ended = call(capsys, "lab", "down", "no-such-lab")
    assert ended.status == 2
    assert "cannot be read" not in ended.err
