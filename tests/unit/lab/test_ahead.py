"""A holder that starts while a file is read ends with a file that is wrong."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tunnel.errors import ConfigError
from tunnel.lab import ahead, building, starting


def test_a_mistake_in_the_file_ends_the_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    started: list[subprocess.Popen[bytes]] = []
    start = starting.start_holder

    def noted():
        holder, channel = start()
        started.append(holder)
        return holder, channel

    monkeypatch.setattr(starting, "start_holder", noted)
    file = tmp_path / "lab.toml"
    file.write_text("[nodes.a]\nroutess = []\n")
    with pytest.raises(ConfigError, match="unknown key"):
        ahead.build(file, building.silent, trust=True)
    assert [holder.returncode for holder in started] == [0]
