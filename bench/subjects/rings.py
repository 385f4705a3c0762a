"""Packets that go round in memory, worked on for 1 us each, in one process or in several workers."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from typing import Any

from bench.subject import BenchError, Module, Subject
from bench.subjects.tunnel import NEEDS, commit
from bench.tools import BENCH, plugin

WORK_NS = 1000
START_S = 20.0  # what it may take to start and to end

Ring = Callable[[float], dict[str, Any]]
"""Lets the packets go round for so many seconds; ``packets`` of each worker, and ``cpu_s`` of all."""


@cache
def spins() -> int:
    """Steps of arithmetic that take 1 us here; one number for all turns of a run."""
    folder = plugin("peers/burner.pyx")
    if folder not in sys.path:
        sys.path.append(folder)
    return int(importlib.import_module("burner").spins_for(WORK_NS))


def ring(workers: int, beside: str = "none") -> Callable[[ExitStack], Ring]:
    """A ``build``: a fresh process for each turn."""

    def turned(seconds: float) -> dict[str, Any]:
        words = [f"{BENCH}/peers/ring.py", f"{workers}", f"{spins()}", f"{seconds}", beside]
        env = os.environ | {"PYTHONPATH": os.pathsep.join([plugin("peers/burner.pyx"), str(BENCH.parent)])}
        done = subprocess.run(
            [sys.executable, *words], env=env, capture_output=True, text=True, check=False, timeout=seconds + START_S
        )
        if done.returncode:
            raise BenchError(f"ring.py: {done.stderr.strip()[-400:]}")
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    return lambda stack: turned


def _ring(name: str, setting: str, workers: int, beside: str = "none") -> Subject[Ring]:
    needs = (*NEEDS, Module("Cython", "pip install Cython"), Module("setuptools", "pip install setuptools"))
    return Subject(name=name, setting=setting, build=ring(workers, beside), version=commit, needs=needs)


TWO = _ring("two-workers", "workers = 2", 2)
ONE = _ring("one-worker", "workers = 1: one process, one loop", 1)
HOG = _ring("beside-python", "workers = 2, one of them kept busy by a handler in Python", 2, "hog")
