"""``tunnel demo``: what it builds works, what it counts agrees, and it leaves nothing (see conftest)."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.netns.conftest import a_lab


def test_the_account_closes():
    with a_lab():
        pass  # where no lab can be had, neither can the demo
    done = subprocess.run(
        [sys.executable, "-m", "tunnel", "demo", "--json"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report["ping"]["rtts_s"]) == report["ping"]["sent"] == 100
    assert report["tcp"]["intact"] and report["tcp"]["size"] > 1_000_000
    assert len(report["books"]["lines"]) == 10
    assert [line["text"] for line in report["books"]["lines"] if not line["closed"]] == []


def test_it_tells_a_person():
    with a_lab():
        pass
    done = subprocess.run(
        [sys.executable, "-m", "tunnel", "demo"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    for words in ("RTT", "Mbit/s", "contents intact", "10.8.0.2, MTU 1472", "kernel sent, engine received"):
        assert words in done.stdout, words
    assert "the books" in done.stderr and "OPEN" not in done.stdout
