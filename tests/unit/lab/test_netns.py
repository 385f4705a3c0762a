from __future__ import annotations

import errno
import os
import subprocess
import sys

import pytest

from tunnel.lab import netns


def execute(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", "-S", netns.__file__, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_without_namespaces_it_only_executes() -> None:
    done = execute("--", "sh", "-c", "echo $0 $#; exit 3", "--", "x")
    assert (done.returncode, done.stdout) == (3, "-- 1\n")


def test_a_program_that_is_missing() -> None:
    done = execute("--", "/nonexistent/program")
    assert (done.returncode, done.stderr) == (127, "/nonexistent/program: No such file or directory\n")


def test_what_is_no_namespace_is_not_entered() -> None:
    with open(os.devnull) as opened, pytest.raises(OSError, match="setns") as raised:
        netns.setns(opened.fileno(), netns.CLONE_NEWNET)
    assert raised.value.errno in (errno.EINVAL, errno.EPERM)


def test_a_failed_mount_names_its_target() -> None:
    with pytest.raises(OSError, match="mount /nonexistent"):
        netns.mount("none", "/nonexistent", "tmpfs")
