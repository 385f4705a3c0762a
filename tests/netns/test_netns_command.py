"""``tunnel netns`` beside ``ip netns``: what one makes the other sees, enters and removes, for every verb."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest

from tests.netns.alone import alone
from tests.netns.namespaces import (
    COMMAND,
    OURS,
    THEIRS,
    WAIT_S,
    Tool,
    heard,
    living,
    net,
    our_list,
    ours,
    run,
    their_list,
    theirs,
    watching,
)
from tunnel.errors import LabError
from tunnel.lab import named

GENEROUS_S = 0.05  # a namespace takes a millisecond or so; this machine may be busy
OTHER = {ours: theirs, theirs: ours}


def each_verb(makes: Tool) -> None:
    """What ``makes`` does, the other one sees."""
    sees = OTHER[makes]
    makes("add", "a")
    makes("add", "b")
    assert our_list() == their_list() == {"a": None, "b": None}
    inode = sees("exec", "a", "readlink", "/proc/self/ns/net")
    assert inode == makes("exec", "a", "readlink", "/proc/self/ns/net") != net()
    with living(*COMMAND[makes], "exec", "a") as process:
        assert sees("pids", "a") == makes("pids", "a") == f"{process.pid}\n"
        assert sees("identify", str(process.pid)) == makes("identify", str(process.pid)) == "a\n"
        assert sees("pids", "b") == ""
        makes("attach", "c", str(process.pid))
        assert sees("exec", "c", "readlink", "/proc/self/ns/net") == inode
    assert sees("identify").strip() == makes("identify").strip() == ""
    assert sees("exec", "c", *COMMAND[sees], "identify").split()[-1] in "ac"
    makes("set", "a", "7")
    makes("set", "b", "auto")
    assert our_list() == their_list() == {"a": 7, "b": 0, "c": 7}
    sees("delete", "a")
    sees("delete", "b")
    assert our_list() == their_list() == {"c": 7}
    sees("delete", "c")
    assert os.listdir("/run/netns") == []


@alone
def test_what_is_ours_is_theirs() -> None:
    each_verb(ours)


@alone
def test_what_is_theirs_is_ours() -> None:
    each_verb(theirs)


@alone
def test_ids_agree() -> None:
    ours("add", "a", "b", "c")
    theirs("set", "b", "3")
    assert named.set_id("c", 9) == 9
    assert (named.set_id("a", "auto"), our_list()) == (0, {"a": 0, "b": 3, "c": 9})
    assert json.loads(ours("list-id", "-j")) == sorted(
        json.loads(run("ip", "-j", "netns", "list-id")), key=lambda one: int(one["nsid"])
    )
    theirs("delete", "b")
    assert named.ids() == [named.NamespaceId(0, "a"), named.NamespaceId(9, "c")] or named.NamespaceId(3, None) in (
        named.ids()  # the kernel ends a namespace when it finds the time
    )
    for wrong in ("0", "auto"):
        assert "File exists; an id belongs to one namespace" in ours("set", "c", wrong, status=2)


@alone
def test_all_are_deleted() -> None:
    ours("add", "a", "b")
    run("ip", "-all", "netns", "delete")
    assert our_list() == {}
    theirs("add", "a")
    ours("add", "b")
    ours("delete", "--all")
    assert their_list() == our_list() == {}


@alone
def test_names_that_others_gave() -> None:
    names = ["a\nb", "-x", "n" * 250, "ü ", "\x1b["]
    for name in names:
        theirs("add", name)
    assert our_list().keys() == set(names)
    for name in names:
        assert name in theirs("list")
        assert "lo" in ours("exec", name, "ls", "/sys/class/net")
        assert "\n" not in ours("exec", name, *OURS, "identify").strip()
    ours("delete", "--", *names)
    assert our_list() == {}


@alone
def test_the_monitor_sees_what_ip_does() -> None:
    with watching(*OURS, "monitor", makes=theirs) as process:
        theirs("add", "a")
        theirs("delete", "a")
        assert (heard(process), heard(process)) == ("add a\n", "delete a\n")


@alone
def test_ip_s_monitor_sees_what_we_do() -> None:
    with watching("stdbuf", "-oL", *THEIRS, "monitor", makes=ours) as process:
        ours("add", "a")
        ours("delete", "a")
        assert (heard(process), heard(process)) == ("add a\n", "delete a\n")


@alone
def test_the_monitor_is_interrupted() -> None:
    last = '{"what": "delete", "name": "last"}\n'
    with watching(*OURS, "monitor", "-j", makes=theirs, last=last) as process:
        theirs("add", "a\n")
        assert json.loads(heard(process)) == {"what": "add", "name": "a\n"}
        process.send_signal(signal.SIGINT)
        assert process.stderr
        assert (process.wait(), process.stderr.read().strip()) == (130, "")


@alone
def test_what_is_missing_taken_or_no_namespace() -> None:
    theirs("add", "a")
    assert "namespace 'b': No such file" in ours("delete", "b", status=2)
    assert "add namespace a: File exists (/run/netns/a); choose another name" in ours("add", "b", "a", status=2)
    assert our_list() == their_list() == {"a": None}, "all or none"
    Path("/run/netns/file").touch(0)
    for words in (("add", "file"), ("attach", "file", str(os.getpid())), ("set", "file", "1"), ("pids", "file")):
        assert re.search("File exists|no network namespace", ours(*words, status=2))
    assert "file  -     no namespace" in ours("list")
    ours("delete", "file")
    ours("add", "file")
    assert our_list() == their_list() == {"a": None, "file": None}
    assert "no such process runs" in ours("attach", "c", str(2**22 + 1), status=2)
    assert "no such process runs" in ours("identify", str(2**22 + 1), status=2)


@alone
def test_without_rights_nothing_is_made() -> None:
    without = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *OURS]
    assert "add namespace a: Operation not permitted" in run(*without, "add", "a", status=2)
    named.add("b")
    for words in (("attach", "a", str(os.getpid())), ("set", "b", "1"), ("delete", "b")):
        output = run(*without, *words, status=2)
        assert re.search("(Operation not permitted|Permission denied).*; .*run as root", output)
    assert "namespace 'b': Operation not permitted" in run(*without, "exec", "b", "true", status=255)
    assert our_list() == their_list() == {"b": None}


@alone
def test_no_thread_stays_in_what_it_made() -> None:
    home, places = net(), []

    def make() -> None:
        named.add("a", "b")
        with pytest.raises(LabError):
            named.add("c", "a")
        places.append(net())

    thread = Thread(target=make)
    thread.start()
    thread.join()
    named.add("d")
    assert [*places, net()] == [home, home]
    late = monotonic() + WAIT_S
    while len(os.listdir("/proc/self/task")) > 1:  # a thread that was joined has yet to leave the kernel
        assert monotonic() < late, "a thread lives on"
        os.sched_yield()
    assert not any("net:[" in os.readlink(fd) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink())
    assert our_list().keys() == {"a", "b", "d"}


def mounts(path: str) -> list[str]:
    """How the mounts of a path propagate, without those that a later one of /run has covered."""
    lines = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    above = {fields[0]: fields[1] for fields in lines}
    (run,) = [fields[0] for fields in lines if fields[4] == "/run"][-1:]

    def is_covered(mount: str | None) -> bool:
        return mount != run and (mount is None or is_covered(above.get(mount)))

    return [fields[6] for fields in lines if fields[4] == path and not is_covered(fields[0])]


@alone
def test_the_folder_is_one_shared_mount_whoever_begins() -> None:
    started = [
        subprocess.Popen([*command, "add", f"{command[0][-1]}{number}"])
        for number in range(4)
        for command in (OURS, THEIRS)
    ]
    assert [process.wait() for process in started] == [0] * 8
    (how,) = mounts("/run/netns")
    assert re.fullmatch(r"shared:\d+", how)
    assert [len(mounts(f"/run/netns/{name}")) for name in our_list()] == [1] * 8
    group = re.escape(how)
    named.delete_all()
    theirs("add", "a")
    named.add("b")
    assert re.fullmatch(group, mounts("/run/netns")[0])


@alone
def test_a_deletion_is_seen_where_the_mount_was_copied() -> None:
    named.add("a")
    with living("unshare", "-m", "--propagation", "unchanged") as process:
        copied = Path(f"/proc/{process.pid}/mountinfo")
        assert "/run/netns/a " in copied.read_text()
        named.delete("a")
        assert "/run/netns/a " not in copied.read_text()


@alone
def test_making_one_takes_a_moment() -> None:
    named.add("first")
    begin = monotonic()
    named.add(*map(str, range(20)))
    assert (monotonic() - begin) / 20 < GENEROUS_S
    named.delete_all()


@alone
def test_what_is_mounted_on_a_name_again_goes_with_it() -> None:
    named.add("a")
    for _ in range(2):
        run("mount", "--bind", "/proc/self/ns/net", "/run/netns/a")
    ours("delete", "a")
    assert (mounts("/run/netns/a"), os.listdir("/run/netns")) == ([], [])


@alone
def test_who_is_killed_leaves_at_most_one_empty_file() -> None:
    program = "import itertools; from tunnel.lab import named\nfor n in itertools.count(): named.add(str(n)); print(n)"
    for made in range(5, 30, 5):
        with subprocess.Popen([sys.executable, "-uc", program], stdout=subprocess.PIPE, text=True) as process:
            for _ in range(made):
                heard(process)
            process.kill()
        left = named.listed()
        unfinished = [one.name for one in left if one.inode is None]
        assert len(left) >= made and len(unfinished) <= 1
        assert all(Path("/run/netns", name).stat().st_size == 0 for name in unfinished)
        named.delete_all()
        assert os.listdir("/run/netns") == []
