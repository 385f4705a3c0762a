"""What root may be told to run: a matrix of owners and modes, made in a folder of root's own."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tunnel import trust
from tunnel.errors import ConfigError

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to other users: run as root")
NOBODY = 65534


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file two folders deep; all of it root's, and writable by nobody else."""
    folder = tmp_path / "outer" / "inner"
    folder.mkdir(parents=True)
    path = folder / "graph.toml"
    path.write_bytes(b"content")
    for part in (path, folder, folder.parent):
        part.chmod(0o755)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        trust.read(path)
    return str(caught.value)


def test_a_file_is_read(file: Path) -> None:
    assert trust.read(file) == b"content"


@pytest.mark.parametrize("name", ["missing.toml", "missing/graph.toml", "graph.toml/below"])
def test_a_file_that_is_not_there(file: Path, name: str) -> None:
    text = refusal(file.parent / name)
    assert text.startswith(f"{file.parent / name}: cannot be read: ")
    assert "No such file" in text or "Not a directory" in text


def test_a_folder_is_no_file(file: Path) -> None:
    assert "regular file" in refusal(file.parent) or "Is a directory" in refusal(file.parent)


@root_only
@pytest.mark.parametrize("depth", [0, 1, 2])
@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
def test_what_others_may_write_is_refused(file: Path, depth: int, mode: int) -> None:
    part = [file, *file.parents][depth]
    part.chmod(mode)
    text = refusal(file)
    assert text.startswith(f"{file}: refused, since {part} may be written by others (mode {mode:o}): what root runs")
    assert text.endswith("change that, or pass --trust-file")
    assert trust.read(file, trust=True) == b"content"


@root_only
@pytest.mark.parametrize("depth", [0, 1, 2])
def test_what_belongs_to_another_is_refused(file: Path, depth: int) -> None:
    part = [file, *file.parents][depth]
    os.chown(part, NOBODY, 0)
    assert f"{part} belongs to uid {NOBODY}" in refusal(file)
    assert trust.read(file, trust=True) == b"content"


@root_only
def test_in_a_sticky_folder_the_owner_decides(file: Path) -> None:
    file.parent.chmod(stat.S_ISVTX | 0o777)
    assert trust.read(file) == b"content"
    os.chown(file, NOBODY, 0)
    assert f"{file} belongs to uid {NOBODY}" in refusal(file)


@root_only
def test_a_sticky_file_is_no_sticky_folder(file: Path) -> None:
    file.chmod(stat.S_ISVTX | 0o777)
    assert f"{file} may be written by others" in refusal(file)


@root_only
def test_links_are_followed_and_checked(file: Path, tmp_path: Path) -> None:
    absolute, relative = tmp_path / "absolute", tmp_path / "relative"
    absolute.symlink_to(file)
    relative.symlink_to("outer/../outer/inner")
    assert trust.read(absolute) == b"content"
    assert trust.read(relative / "graph.toml") == b"content"
    os.chown(relative, NOBODY, 0, follow_symlinks=False)
    assert f"{relative} belongs to uid {NOBODY}" in refusal(relative / "graph.toml")


@root_only
def test_a_link_through_a_folder_of_others_is_refused(file: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "graph.toml").symlink_to(file)
    theirs.chmod(0o777)
    assert f"{theirs} may be written by others" in refusal(theirs / "graph.toml")


@root_only
def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "too many symbolic links" in refusal(tmp_path / "a")


@root_only
def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert "is not a regular file" in refusal(tmp_path / "fifo")


@root_only
def test_a_relative_path_starts_in_the_working_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(file.parent)
    assert trust.read("graph.toml") == b"content"
    file.parent.chmod(0o777)
    assert f"{file.parent} may be written by others" in refusal(Path("graph.toml"))


@root_only
def test_no_descriptor_is_left(file: Path) -> None:
    before = os.listdir("/proc/self/fd")
    trust.read(file)
    file.chmod(0o666)
    refusal(file)
    refusal(file.parent / "missing")
    assert os.listdir("/proc/self/fd") == before


def test_other_users_read_what_they_may(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.chmod(0o777)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert trust.read(file) == b"content"


@root_only
def test_root_of_a_namespace_with_one_id_is_only_its_user(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.parent.chmod(0o777)
    monkeypatch.setattr(Path, "read_text", lambda _path: "         0       1000          1\n")
    assert trust.read(file) == b"content"
