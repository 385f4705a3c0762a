"""The file of keys: a new one, for its user alone, and nothing in it that lasts."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from tunnel.errors import ConfigError
from tunnel.wg.key_log import KeyLog

LINE = "LOCAL_EPHEMERAL_PRIVATE_KEY = AAAA"


def test_it_is_written_and_said_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    keys = KeyLog(str(tmp_path / "keys"))
    keys(LINE)
    keys("PRESHARED_KEY = BBBB")
    keys.close()
    assert (tmp_path / "keys").read_text() == f"{LINE}\nPRESHARED_KEY = BBBB\n"
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o600
    (record,) = caplog.records
    assert record.levelno == logging.WARNING and str(tmp_path) in record.message


def test_what_lasts_is_refused(tmp_path: Path):
    keys = KeyLog(str(tmp_path / "keys"))
    with pytest.raises(ValueError, match="was expected") as caught:
        keys("LOCAL_STATIC_PRIVATE_KEY = CCCC")
    keys.close()
    assert "CCCC" not in str(caught.value) and (tmp_path / "keys").read_text() == ""


def test_a_path_where_something_is_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for name in ("file", "link", "no/folder"):
        with pytest.raises(ConfigError, match="nothing is yet was expected"):
            KeyLog(str(tmp_path / name))
    assert not (tmp_path / "nothing").exists()
