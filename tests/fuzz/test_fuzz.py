"""Mutated packets under the sanitizers, every one in bytes of exactly its length."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).with_name("run.py")
MESSAGES = {"BAD_MESSAGE", "BAD_MAC", "NO_SESSION", "BAD_TAG", "REPLAYED", "UNDER_LOAD", "RATE", "HANDSHAKES_FULL"}
PARSER = {"UNCLAIMED", "TRUNCATED", "BAD_VERSION", "BAD_HEADER", "BAD_LENGTH", "TOO_DEEP", "BAD_GSO"}


def fuzz(what: str, count: int, seed: int) -> str:
    """What the run printed; fails with the sanitizer's report."""
    command = [sys.executable, str(RUN), "--of", what, "--count", str(count), "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def reached(output: str) -> set[str]:
    """The reasons that occurred."""
    line = next(line for line in output.splitlines() if line.startswith("by reason"))
    return {pair.partition("=")[0] for pair in line.split()[2:]}


def joined(output: str) -> int:
    """Packets that went into super-packets."""
    found = re.search(r"(\d+) packets joined", output)
    return int(found[1]) if found else 0


@pytest.mark.fuzz
def test_mutated_packets():
    output = fuzz("packets", 200_000, seed=1)
    assert "seed 1, 200000 cases from 0 on" in output
    assert reached(output) == PARSER
    assert joined(output) > 10_000


@pytest.mark.soak
def test_many_mutated_packets(capfd: pytest.CaptureFixture[str]):
    output = fuzz("packets", 10_000_000, seed=2)
    with capfd.disabled():
        print(f"\n{output}")
    assert reached(output) == PARSER


@pytest.mark.fuzz
def test_mutated_messages():
    output = fuzz("messages", 100_000, seed=1)
    assert "seed 1, 100000 cases from 0 on" in output
    assert reached(output) == MESSAGES


@pytest.mark.soak
def test_many_mutated_messages(capfd: pytest.CaptureFixture[str]):
    output = fuzz("messages", 10_000_000, seed=2)
    with capfd.disabled():
        print(f"\n{output}")
    assert reached(output) == MESSAGES
