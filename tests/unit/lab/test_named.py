"""What names of namespaces do without rights: in a folder that stands for /run/netns."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tunnel.errors import LabError
from tunnel.lab import named, named_exec, named_files, named_watch, netns
from tunnel.lab.nsid import Ids

NOBODY = 2**22 + 1  # above PID_MAX_LIMIT


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    place = tmp_path / "netns"
    place.mkdir()
    monkeypatch.setattr(named_files, "NAMED", place)
    before = set(os.listdir("/proc/self/fd"))
    yield place
    assert set(os.listdir("/proc/self/fd")) == before, "a descriptor is left"


def test_without_the_folder_there_is_no_name(folder: Path) -> None:
    folder.rmdir()
    assert named.listed() == []
    assert named.identify() == []
    named.delete_all()
    assert not folder.exists()


def test_what_is_no_namespace_is_listed_as_such(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    (folder / "file").touch(0)
    (folder / "folder").mkdir()
    (folder / "dangling").symlink_to("nowhere")
    found = named.listed()
    assert [one.name for one in found] == ["fifo", "file", "folder"]  # what leads nowhere is as good as gone
    assert {(one.nsid, one.inode) for one in found} == {(None, None)}
    assert named.identify() == []


def test_a_file_that_leads_to_a_namespace_names_it(folder: Path) -> None:
    (folder / "own").symlink_to("/proc/self/ns/net")
    own = os.stat("/proc/self/ns/net").st_ino
    assert [(one.name, one.inode) for one in named.listed()] == [("own", own)]
    assert named.identify() == named.identify(os.getpid()) == ["own"]
    assert os.getpid() in named.pids("own")
    fd = named_files.open_named("own")
    assert os.fstat(fd).st_ino == own
    with Ids() as ids:
        assert ids.of(fd) == named.listed()[0].nsid
    os.close(fd)
    named.delete("own")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("use", [
    named.pids, named_exec.enter, lambda name: named.set_id(name, 1), lambda name: named.set_id(name, "auto"),
])
def test_what_is_no_namespace_is_not_used(folder: Path, use: Callable[[str], object]) -> None:
    (folder / "file").touch()
    with pytest.raises(LabError, match=r"namespace 'file': .*/file: this is no network namespace; ") as raised:
        use("file")
    assert raised.value.errno == errno.EINVAL
    with pytest.raises(LabError, match=r"namespace 'nowhere': No such file .*netns list") as raised:
        use("nowhere")
    assert raised.value.errno == errno.ENOENT
    with pytest.raises(LabError, match=r"'a/b': a name is 1 to 255 bytes"):
        use("a/b")


def test_delete_tries_all_and_tells_all(folder: Path) -> None:
    for name in ("a", "-b", "c\n", "d"):
        (folder / name).touch()
    with pytest.raises(LabError) as raised:
        named.delete("x", "a", "y", "-b")
    assert raised.value.errno == errno.ENOENT
    assert [line.split(":")[0] for line in str(raised.value).splitlines()] == [
        "delete namespace 'x'", "delete namespace 'y'",
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["c\n", "d"]
    named.delete_all()
    assert list(folder.iterdir()) == []


def test_a_link_is_deleted_and_what_it_leads_to_is_left(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    (folder / "link").symlink_to(tmp_path / "kept")
    named.delete("link")
    assert (tmp_path / "kept").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "-a", "a\nb", "n" * 256])
def test_a_name_that_is_refused_makes_nothing(folder: Path, name: str) -> None:
    with pytest.raises(LabError):
        named.add("good", name)
    with pytest.raises(LabError):
        named.attach(name, os.getpid())
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("failure", [OSError(errno.EPERM, "no"), KeyboardInterrupt()])
def test_a_mount_that_fails_leaves_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    def refuse(*_: object) -> None:
        raise failure

    monkeypatch.setattr(named_files, "share_folder", lambda: None)
    monkeypatch.setattr(netns, "mount", refuse)
    with pytest.raises(LabError if isinstance(failure, OSError) else KeyboardInterrupt):
        named.attach("a", os.getpid())
    assert list(folder.iterdir()) == []


def test_what_a_killed_one_left_is_not_taken_over(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "a").touch(0)
    monkeypatch.setattr(named_files, "share_folder", lambda: None)
    with pytest.raises(LabError, match=r"namespace a .*File exists .*no namespace is left by somebody who was killed"):
        named.attach("a", os.getpid())
    assert (folder / "a").exists()
    named.delete("a")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("use", [named.identify, lambda pid: named.attach("a", pid)])
def test_a_process_that_does_not_run(folder: Path, use: Callable[[int], object]) -> None:
    with pytest.raises(LabError, match=f"process {NOBODY}: No such file or directory; no such process runs"):
        use(NOBODY)


@pytest.mark.parametrize("nsid", [-1, 2**31])
def test_ids_that_the_kernel_has_not(nsid: int) -> None:
    with pytest.raises(LabError, match=f"nsid {nsid}: a number from 0 to {2**31 - 1} was expected"):
        named.set_id("a", nsid)


def test_ids_are_told_in_order() -> None:
    found = [one.nsid for one in named.ids()]
    assert found == sorted(set(found))


def test_the_monitor_tells_from_its_making_on(folder: Path) -> None:
    (folder / "before").touch()
    with named_watch.Monitor() as events:
        (folder / "a").touch()
        (folder / "a").unlink()
        (folder / "b").touch()
        assert [next(events) for _ in range(3)] == [
            named_watch.Event("add", "a"), named_watch.Event("delete", "a"), named_watch.Event("add", "b"),
        ]


def test_the_monitor_makes_the_folder_and_ends_with_it(folder: Path) -> None:
    folder.rmdir()
    with named_watch.Monitor() as events:
        folder.rmdir()
        with pytest.raises(LabError, match="the folder was removed; start again"):
            next(events)


def test_the_monitor_says_when_events_were_lost(folder: Path) -> None:
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    with named_watch.Monitor() as events, pytest.raises(LabError, match="events were lost; `tunnel netns list`"):
        for number in range(limit // 2 + 1):
            (folder / str(number)).touch()
            (folder / str(number)).unlink()
        for _ in events:
            pass


def test_the_monitor_needs_a_folder(folder: Path) -> None:
    folder.rmdir()
    folder.touch()
    with pytest.raises(LabError, match="watch the names of namespaces: File exists .*netns"):
        named_watch.Monitor()
