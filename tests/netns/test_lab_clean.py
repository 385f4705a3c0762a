"""What `clean` leaves alone: whatever is not what a record means, and labs that are up."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.netns.machine import FOLDER, IS_ROOT, alone, ip, require_same, state, tunnel
from tunnel import runtime
from tunnel.errors import LabError
from tunnel.lab import Lab, cleaning, journal, named_files, place, space
from tunnel.lab.journal import Journal
from tunnel.lab.processes import start_of

LAB = 'name = "alive"\n[nodes.a]\n[nodes.b]\n[[links]]\nendpoints = ["a:eth0", "b:eth0"]\naddress = ["10.0.0.1/24"]\n'
OTHER = 1 << 40  # no inode, cookie or start time of ours


def record(*entries: dict[str, Any], lab: str = "dead") -> Path:
    """The journal of a dead lab."""
    with place.folder(make=True) as folder:
        made = Journal.create(lab, os.dup(folder))
    for entry in entries:
        made.add(**entry)
    made.close()
    return runtime.folders()[0] / journal.file_name(lab)


def link_of(name: str) -> dict[str, Any]:
    """An interface here, as a record has it."""
    (found,) = json.loads(ip("-d", "-j", "link", "show", name))
    here = os.stat("/proc/self/ns/net").st_ino
    return {
        "kind": "link", "interface": name, "index": found["ifindex"], "of": found["linkinfo"]["info_kind"],
        "inode": here, "cookie": space.here(),
    }  # fmt: skip


def name_of(name: str) -> dict[str, Any]:
    """A named namespace, as a record has it."""
    fd = named_files.open_named(name)
    try:
        return {
            "kind": "name", "name": name, "device": 1, "file": 1,
            "inode": os.fstat(fd).st_ino, "cookie": space.cookie(fd),
        }  # fmt: skip
    finally:
        os.close(fd)


@contextmanager
def living(*before: str) -> Iterator[int]:
    """A process that lives as long as the block."""
    words = [*before, "sh", "-c", "echo; read x"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


def clean() -> str:
    """What the command says; it finds one dead lab."""
    told = tunnel("lab", "clean")
    assert told.count("lab dead: 0 processes ended") == 1, told
    return told


def test_links_and_names_of_others() -> None:
    alone(links_and_names)


def links_and_names() -> None:
    ip("link", "add", "theirs", "type", "bridge")
    ip("netns", "add", "dead-a")
    Path("/run/netns/dead-b").touch()
    before, link, name = state(), link_of("theirs"), name_of("dead-a")
    for change in (
        {"index": link["index"] + 1}, {"interface": "ours"}, {"of": "veth"}, {"inode": OTHER}, {"cookie": OTHER},
    ):  # fmt: skip
        record({**link, **change})
        clean()
        require_same(before, change)
    file = {"device": os.stat("/run/netns/dead-b").st_dev, "file": OTHER}
    for entry in ({**name, "inode": OTHER}, {**name, "cookie": OTHER}, {**name, "name": "dead-b", **file}):
        record(entry)
        clean()
        require_same(before, entry)
    record(link, name)  # as they are, they are ours
    clean()
    assert "dead-a" not in ip("netns") and "theirs" not in ip("link")


def test_processes_of_others() -> None:
    alone(processes)


def processes() -> None:
    ip("netns", "add", "other")
    name = name_of("other")
    with living() as beside, living("ip", "netns", "exec", "other") as inside:
        before = state()
        record({"kind": "process", "pid": beside, "start": start_of(beside) + 1, "inode": 0, "node": None})
        clean()
        record({"kind": "netns", "node": "a", "inode": name["inode"], "cookie": OTHER})
        clean()
        require_same(before)
        record({"kind": "netns", "node": "a", "inode": name["inode"], "cookie": name["cookie"]})
        assert "lab dead: 1 processes ended" in tunnel("lab", "clean")
        assert start_of(beside) and Path(f"/proc/{inside}/stat").read_text().split()[2] == "Z"


def test_a_lab_that_is_up() -> None:
    alone(up, ordinary=not IS_ROOT)


def up() -> None:
    file = FOLDER / "alive.toml"
    file.write_text(LAB)
    tunnel("lab", "up", str(file))
    before = state()
    assert tunnel("lab", "clean") == ""
    require_same(before)
    assert "lab alive" in tunnel("lab", "show")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder of the test's own."""
    monkeypatch.setattr(runtime, "folders", lambda: [tmp_path / "run"])
    return tmp_path / "run"


def test_a_record_that_is_not_ours_alone(folder: Path) -> None:
    record(lab="open").chmod(0o640)
    elsewhere = record(lab="moved").rename(folder / "elsewhere")
    (folder / "lab-link.journal").symlink_to(elsewhere)
    (folder / "lab-pipe.journal").mkdir()
    record(lab="well")
    cleaned: list[str] = []
    with pytest.raises(LabError) as raised:
        cleaned.extend(one.lab for one in cleaning.clean())
    assert cleaned == ["well"]
    assert str(raised.value).splitlines() == [
        "lab link: its journal: Too many levels of symbolic links; it is left alone",
        "lab open: its journal is not a file of ours alone (mode 0600); it is left alone",
        "lab pipe: its journal: Is a directory; it is left alone",
    ]
    assert place.present() == ["link", "open", "pipe"] and elsewhere.exists()


@pytest.mark.skipif(not IS_ROOT, reason="gives a file away")
def test_a_record_of_another(folder: Path) -> None:
    os.chown(record(lab="theirs"), 65534, 65534)
    with pytest.raises(LabError, match="lab theirs: its journal is not a file of ours alone"):
        list(cleaning.clean())
    assert place.present() == ["theirs"]


@pytest.mark.parametrize("mode", [0o755, 0o770])
def test_a_folder_that_is_not_ours_alone(folder: Path, mode: int) -> None:
    folder.mkdir()
    folder.chmod(mode)
    with Lab() as lab, pytest.raises(LabError, match=f"not a folder of uid {os.geteuid()} alone"):
        lab.claim("office")
    folder.chmod(0o700)
    folder.rename(folder.with_name("elsewhere"))
    folder.symlink_to("elsewhere")
    with Lab() as lab, pytest.raises(LabError, match="not a folder of uid"):
        lab.claim("office")


def test_a_record_that_was_cut_off(folder: Path) -> None:
    file = record({"kind": "lab", "lab": "dead"})
    file.write_bytes(file.read_bytes() + b'{"kind": "process", "pi')
    with place.folder() as opened:
        dead = Journal.of_dead("dead", opened)
        assert dead and dead.entries() == [{"kind": "lab", "lab": "dead"}]
        assert Journal.of_dead("dead", opened) is None, "it is locked, as that of a lab that is up"
        dead.close()
    assert [one.lab for one in cleaning.clean()] == ["dead"]


def test_a_name_that_is_taken(folder: Path) -> None:
    with place.folder(make=True) as opened:
        living_one = Journal.create("dead", os.dup(opened))
        with pytest.raises(LabError, match="one of that name is up; choose another"):
            Journal.create("dead", opened)
        living_one.close()
        with pytest.raises(LabError, match="one of that name died and left things behind; tunnel lab clean removes"):
            Journal.create("dead", opened)
