from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import pytest

from tunnel.lab import netns


def execute(*program: str, alive: bool = True) -> subprocess.CompletedProcess[str]:
    life, hold = os.pipe()
    if not alive:
        os.close(hold)
    command = [sys.executable, "-I", "-S", netns.__file__, f"life={life}", "--", *program]
    done = subprocess.run(command, pass_fds=[life], capture_output=True, text=True, check=False)
    for fd in (life, hold) if alive else (life,):
        os.close(fd)
    return done


def test_without_namespaces_it_only_executes() -> None:
    done = execute("sh", "-c", "echo $0 $#; exit 3", "--", "x")
    assert (done.returncode, done.stdout) == (3, "-- 1\n")


def test_what_python_ignores_for_itself_is_not_ignored_in_a_program() -> None:
    """SIGPIPE, for one: a program that inherits that writes on without a reader."""
    ignored = int(execute("grep", "SigIgn", "/proc/self/status").stdout.split()[1], 16)
    assert not ignored & (1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1)


def test_nothing_begins_in_a_lab_that_has_ended() -> None:
    done = execute("echo", "begun", alive=False)
    assert (done.returncode, done.stdout, done.stderr) == (127, "", "echo: the lab has ended\n")


def test_a_program_that_is_missing() -> None:
    done = execute("/nonexistent/program")
    assert (done.returncode, done.stderr) == (127, "/nonexistent/program: No such file or directory\n")


def test_what_is_no_namespace_is_not_entered() -> None:
    with open(os.devnull) as opened, pytest.raises(OSError, match="setns") as raised:
        netns.setns(opened.fileno(), netns.CLONE_NEWNET)
    assert raised.value.errno in (errno.EINVAL, errno.EPERM)


def test_what_is_a_network_namespace() -> None:
    for path, verdict in (("/proc/self/ns/net", True), ("/proc/self/ns/uts", False), (os.devnull, False)):
        with open(path) as opened:
            assert netns.is_net(opened.fileno()) == verdict, path


def test_a_failed_mount_names_its_target() -> None:
    with pytest.raises(OSError, match="mount /nonexistent"):
        netns.mount("none", "/nonexistent", "tmpfs")
    with pytest.raises(OSError, match="umount /nonexistent"):
        netns.unmount("/nonexistent")
