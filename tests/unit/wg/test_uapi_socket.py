"""The socket's file and its folder."""

from __future__ import annotations

import os
import resource
import socket
import stat
from pathlib import Path

import pytest

from tunnel.errors import ConfigError, DeviceError
from tunnel.file_watch import FileWatch
from tunnel.wg import uapi_socket


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(uapi_socket, "FOLDER", tmp_path / "wg")
    return tmp_path / "wg"


def modes(folder: Path) -> list[int]:
    return [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "wg0.sock")]


def test_made_and_removed(folder: Path):
    made = uapi_socket.listen("wg0")
    assert modes(folder) == [0o755, 0o700] and made.ours()
    made.remove()
    assert not made.ours() and [*folder.iterdir()] == []
    made.remove()
    assert folder.exists()


def test_in_use_and_stale(folder: Path):
    made = uapi_socket.listen("wg0")
    with pytest.raises(DeviceError, match="in use"):
        uapi_socket.listen("wg0")
    made.sock.close()
    os.link(made.path, folder / "kept")  # its number is not used again
    again = uapi_socket.listen("wg0")
    assert not made.ours() and again.ours()
    made.remove()
    assert again.ours()
    again.remove()
    assert [*folder.iterdir()] == [folder / "kept"]


def test_one_whose_backlog_is_full_is_in_use(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uapi_socket, "BACKLOG", 0)
    made = uapi_socket.listen("wg0")
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(made.path))
        with pytest.raises(DeviceError, match="in use"):
            uapi_socket.listen("wg0")
    made.remove()


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_a_folder_that_others_may_write_is_refused(folder: Path, mode: int):
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(ConfigError, match="refused"):
        uapi_socket.listen("wg0")
    assert [*folder.iterdir()] == []


def test_a_folder_that_could_be_exchanged_is_refused(folder: Path):
    folder.parent.chmod(0o777)
    with pytest.raises(ConfigError, match="refused"):
        uapi_socket.listen("wg0")
    folder.parent.chmod(0o700)
    folder.rmdir()
    folder.symlink_to("/tmp")
    with pytest.raises(ConfigError, match="refused"):
        uapi_socket.listen("wg0")


def test_one_that_was_opened_elsewhere(folder: Path):
    made = uapi_socket.listen("wg0")
    adopted = uapi_socket.adopt(os.dup(made.sock.fileno()), "wg0")
    made.sock.close()
    assert adopted.ours() and not adopted.sock.getblocking()
    adopted.remove()
    assert not made.path.exists()
    with socket.socket(socket.AF_UNIX) as sock, pytest.raises(ConfigError, match="listening Unix socket"):
        uapi_socket.adopt(sock.fileno(), "wg0")
    with pytest.raises(ConfigError, match="listening socket was expected"):
        uapi_socket.adopt(1 << 20, "wg0")


def test_its_removal_is_noticed(folder: Path):
    made = uapi_socket.listen("wg0")
    watch = FileWatch(made.path)
    with pytest.raises(BlockingIOError):
        watch.take()
    made.path.unlink()
    watch.take()
    assert not made.ours()
    watch.close()
    made.remove()
    with pytest.raises(DeviceError, match=r"watching .*wg0\.sock: No such file"):
        FileWatch(made.path)


def test_what_limits_its_watching_is_told(folder: Path):
    made = uapi_socket.listen("wg0")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
        with pytest.raises(DeviceError, match=r"wg0\.sock: Too many open files; raise fs\.inotify\.max_user_instances"):
            FileWatch(made.path)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        made.remove()
