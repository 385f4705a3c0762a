"""The native path allocates nothing for a packet, and what it holds stays what it was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent / "allocation"
TOP = Path(__file__).parents[2]
FIRST, LAST = 10_000, 1_000_000


@pytest.fixture(scope="module")
def counter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The counting allocator, compiled."""
    library = tmp_path_factory.mktemp("allocation") / "count.so"
    command = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(HERE / "count.c")]
    subprocess.run(command, check=True)
    return library


def measure(counter: Path, what: str, packets: int, before: int, between: int) -> dict[str, Any]:
    """What ``program.py`` prints, and what grew between its two looks."""
    done = subprocess.run(
        [sys.executable, str(HERE / "program.py"), what, str(packets), str(before), str(between)],
        env={**os.environ, "LD_PRELOAD": str(counter), "PYTHONPATH": str(TOP)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    grown = {name: found["second"][name] - found["first"][name] for name in found["first"]}
    return {**found, "grown": grown}


@pytest.mark.parametrize(("what", "full"), [("echo", 64), ("tunnel", 40)])
def test_a_million_packets(counter: Path, what: str, full: int):
    found = measure(counter, what, full, FIRST, LAST - FIRST)
    breaths = (LAST - FIRST) // full
    assert found["returned"] == breaths * full
    assert found["grown"]["calls"] <= breaths, "more than one allocation a breath"
    assert abs(found["grown"]["blocks"]) < 100
    assert found["grown"]["resident"] < 1 << 20


@pytest.mark.parametrize(("what", "full"), [("echo", 64), ("tunnel", 40)])
def test_a_fuller_breath_allocates_no_more(counter: Path, what: str, full: int):
    breaths = 2_000
    calls = {packets: measure(counter, what, packets, packets * 200, packets * breaths) for packets in (1, full)}
    assert [found["returned"] for found in calls.values()] == [breaths, full * breaths]
    lone, many = (found["grown"]["calls"] for found in calls.values())
    assert abs(many - lone) < breaths / 10, f"{lone} calls for one packet a breath, {many} for {full}"
