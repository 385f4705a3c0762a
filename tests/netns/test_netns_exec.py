"""``tunnel netns exec`` beside ``ip netns exec``: statuses, shells, all namespaces, /etc and /sys."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

from tests.netns.alone import alone
from tests.netns.namespaces import COMMAND, Tool, ours, run, theirs


@alone
def test_the_status_of_exec_is_the_command_s() -> None:
    theirs("add", "a")
    for tool in (ours, theirs):
        tool("exec", "a", "true")
        tool("exec", "a", "false", status=1)
        tool("exec", "a", "sh", "-c", "exit 200", status=200)
        assert tool("exec", "a", "ls", "--directory", "-a", "/") == "/\n"
        assert "nowhere" in tool("exec", "nowhere", "true", status=255)
        Path("/run/netns/file").touch()
        tool("exec", "file", "true", status=255)
        Path("/run/netns/file").unlink()
    ours("exec", "a", "sh", "-c", "kill -9 $$", status=-9)
    assert "'a': /non/such: No such file" in ours("exec", "a", "/non/such", status=127)
    assert "'a': /etc/passwd: Permission denied" in ours("exec", "a", "/etc/passwd", status=127)
    assert "'a/b': a name is" in ours("exec", "a/b", "true", status=255)
    ignored = int(ours("exec", "a", "grep", "SigIgn", "/proc/self/status").split()[1], 16)
    assert not ignored & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1), "what Python ignores for itself"


@alone
def test_exec_alone_is_a_shell() -> None:
    ours("add", "a")
    assert ours("exec", "a", text="ls /sys/class/net; exit 5", status=5, SHELL="/bin/sh") == "lo\n"
    assert ours("exec", "a", text="ls /sys/class/net; exit 5", status=5, SHELL="") == "lo\n"


@alone
def test_exec_in_all() -> None:
    def blocks(text: str) -> list[str]:
        return sorted(block.strip() for block in text.split("netns: "))

    ours("add", "a", "b", "c")
    command = ["sh", "-c", "ls /sys/class/net; readlink /proc/self/ns/net; exit 3"]
    mine = ours("exec", "--all", *command)
    assert blocks(mine) == blocks(run("ip", "-all", "netns", "exec", *command))
    assert re.findall("\nnetns: .*\n", mine) == [f"\nnetns: {name}\n" for name in "abc"]
    assert ours("exec", "--all", "/non/such").count("/non/such: No such file") == 3


def with_own_etc(tool: Tool) -> None:
    """/etc of a mount namespace of its own, since nobody but root may make /etc/netns."""
    script = """
        mkdir /run/etc && mount -t tmpfs tmpfs /run/etc && mkdir -p /run/etc/netns/a/folder
        for file in passwd resolv.conf nsswitch.conf; do : > /run/etc/$file; done
        mkdir /run/etc/folder && echo inner > /run/etc/netns/a/folder/file
        echo nameserver 192.0.2.53 > /run/etc/netns/a/resolv.conf
        echo lost > /run/etc/netns/a/absent
        mount --bind /run/etc /etc
        "$@" add a
        "$@" exec a cat /etc/resolv.conf /etc/folder/file
        wc -c < /etc/resolv.conf; ls /etc/folder /etc/absent || :
        "$@" delete a
    """
    output = run("unshare", "-m", "--propagation", "private", "sh", "-euc", script, "sh", *COMMAND[tool])
    lines = output.splitlines()
    assert "/etc/netns/a/absent" in lines[0] and "No such file" in lines[0]
    assert lines[1:4] == ["nameserver 192.0.2.53", "inner", "0"], output
    os.rmdir("/run/etc")


@alone
def test_etc_of_a_namespace() -> None:
    with_own_etc(ours)
    with_own_etc(theirs)


@alone
def test_what_exec_mounts_stays_with_the_command() -> None:
    ours("add", "a")
    before = Path("/proc/self/mountinfo").read_text()
    ours("exec", "a", "mount", "-t", "tmpfs", "tmpfs", "/mnt")
    assert Path("/proc/self/mountinfo").read_text() == before
