"""The C programs of the benchmark, built on demand into build/bench."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench.subject import BenchError

BENCH = Path(__file__).resolve().parent.parent
BUILT = BENCH.parent / "build" / "bench"


def tool(source: str, folder: Path = BUILT) -> str:
    """The path of the program that ``bench/SOURCE`` makes in a folder, built if it is older."""
    origin = BENCH / source
    target = folder / origin.stem
    newest = max(path.stat().st_mtime for path in (origin, *origin.parent.glob("*.h")))
    if not target.exists() or target.stat().st_mtime < newest:
        _compile(origin, target)
    return str(target)


def _compile(origin: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    command = ["gcc", "-O2", "-Wall", "-Wextra", "-o", str(target), str(origin)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise BenchError(f"{origin.name} does not compile: {made.stderr.strip()}")
