"""What is left of a process's rights; in processes of their own, for none of it can be taken back."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

PROGRAM = """
import ctypes, json, os, resource, socket
from tunnel.wg import rights

PR_GET_DUMPABLE, PR_GET_SECUREBITS, PR_CAPBSET_READ, PR_GET_NO_NEW_PRIVS = 3, 27, 23, 39
prctl = ctypes.CDLL(None).prctl
before, uid = rights.capabilities(), os.getuid()
rights.forbid_dumps()
rights.drop()
with rights.for_port(443):
    low = rights.capabilities()
with rights.for_port(51820):
    high = rights.capabilities()
rights.drop()
print(json.dumps({
    "before": before, "after": rights.capabilities(), "low": low, "high": high,
    "dumpable": prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), "core": resource.getrlimit(resource.RLIMIT_CORE),
    "bounding": [n for n in range(41) if prctl(PR_CAPBSET_READ, n, 0, 0, 0) == 1],
    "securebits": prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), "no_new_privs": prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0),
    "same user": os.getuid() == uid,
}))
"""
SETPCAP, BIND, ADMIN = 1 << 8, 1 << 10, 1 << 12


def outcome() -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_nobody_looks_into_it_and_nothing_comes_back():
    found = outcome()
    assert (found["dumpable"], found["core"], found["no_new_privs"], found["same user"]) == (0, [0, 0], 1, True)


def test_what_is_kept_is_what_was_there_of_two():
    found = outcome()
    permitted = found["before"][1]
    assert found["after"] == [permitted & ADMIN, permitted & (ADMIN | BIND), 0] == found["high"]
    assert found["low"] == [permitted & (ADMIN | BIND), permitted & (ADMIN | BIND), 0]


def test_who_may_bounds_himself():
    found = outcome()
    if found["before"][1] & SETPCAP:
        assert (found["bounding"], found["securebits"]) == ([], 0xEF)
    else:
        assert found["securebits"] == 0
