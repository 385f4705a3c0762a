from __future__ import annotations

import os
import subprocess
import sys

from tunnel.lab import processes

BEYOND_THE_LAST_PID = 2**22 + 1  # PID_MAX_LIMIT of include/linux/threads.h


def test_the_namespace_of_a_process() -> None:
    assert processes.net_of(os.getpid()) == os.stat("/proc/self/ns/net").st_ino
    assert processes.net_of(BEYOND_THE_LAST_PID) == 0


def test_processes_of_a_namespace_without_the_spared() -> None:
    own = {processes.net_of(os.getpid())}
    assert os.getpid() in processes.in_namespaces(own, spare=())
    assert os.getpid() not in processes.in_namespaces(own, spare={os.getpid()})


def test_nothing_is_killed_elsewhere() -> None:
    command = [sys.executable, "-I", "-S", "-c", "print(input())"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        processes.end_all_in({1}, spare=())
        assert process.communicate("alive")[0] == "alive\n"
