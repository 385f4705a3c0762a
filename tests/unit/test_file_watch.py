from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from tunnel.errors import DeviceError
from tunnel.file_watch import IN_CREATE, IN_DELETE, IN_IGNORED, FileWatch


def test_what_happens_in_a_folder_is_told_by_name(tmp_path: Path) -> None:
    watch = FileWatch(tmp_path, IN_CREATE | IN_DELETE)
    names = ["a", "n" * 255, os.fsdecode(b"\xff"), "b\nc"]
    for name in names:
        (tmp_path / name).touch()
        (tmp_path / name).unlink()
    assert watch.take() == [(mask, name) for name in names for mask in (IN_CREATE, IN_DELETE)]
    with pytest.raises(BlockingIOError):
        watch.take()
    tmp_path.rmdir()
    assert watch.take() == [(IN_IGNORED, "")]
    watch.close()


def test_a_file_s_mode_and_its_end_are_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    watch = FileWatch(file)
    file.chmod(0o600)
    assert [name for _, name in watch.take()] == [""]
    file.unlink()
    assert watch.take()[-1] == (IN_IGNORED, "")
    watch.close()


def test_what_cannot_be_watched(tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="nowhere: No such file"):
        FileWatch(tmp_path / "nowhere")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        with pytest.raises(DeviceError, match=r"Too many open files; raise fs\.inotify\.max_user_instances"):
            FileWatch(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
