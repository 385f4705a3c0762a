"""No key is left in a process that forgot it: its whole memory is looked through from outside."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.crypto.aeads import PRESENT

PROGRAM = Path(__file__).with_name("forgetting.py")
TOP = Path(__file__).parents[3]


def memory(pid: int) -> Iterator[bytes]:
    """The content of every mapping that can be read."""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as file:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            places, rights, *rest = line.split()
            if rights[0] == "r" and not rest[-1].startswith(("[vvar", "[vsyscall")):
                start, end = (int(place, 16) for place in places.split("-"))
                file.seek(start)
                yield file.read(end - start)


def forms(key: bytes) -> list[bytes]:
    """The key, its halves, and each word four times over, as vector code lays it."""
    return [key, key[:16], key[16:], *(key[at : at + 4] * 4 for at in range(0, 32, 4))]


def left(pid: int, key: bytes) -> int:
    """In how many mappings something of the key stands."""
    return sum(any(form in content for form in forms(key)) for content in memory(pid))


@pytest.mark.parametrize("library", PRESENT)
def test_no_key_is_left(library: str) -> None:
    key, found = random.Random(1).randbytes(32), {}
    command = [sys.executable, str(PROGRAM), library]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=TOP, env={"PYTHONPATH": str(TOP)}
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(key)
        for said in ("used", "erased", "forgotten"):
            assert process.stdout.readline() == said.encode() + b"\n"
            found[said] = left(process.pid, key)
            process.stdin.write(b"\n")
    assert process.returncode == 0
    assert found["used"]
    assert bool(found["erased"]) == (library == "libcrypto"), "its context keeps the last key"
    assert not found["forgotten"]
