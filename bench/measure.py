"""A measure: what is read in a turn. Times of processes are read from /proc."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

Reading = dict[str, float]
"""Measure name to value, of one turn; a measure that does not apply is absent."""


@dataclass(frozen=True)
class Measure:
    """``more`` tells whether a larger value is better; ``digits`` are those behind the point."""

    name: str
    unit: str
    more: bool = True
    digits: int = 2


GBIT_S = Measure("tcp", "Gbit/s")
MEMORY_MB = Measure("memory", "MB", more=False, digits=1)
CPU_S_PER_GB = Measure("cpu", "s/GB", more=False, digits=3)
CPU_S_PER_MP = Measure("cpu", "s/Mpacket", more=False, digits=3)
PING_AVG_US = Measure("ping_avg", "us", more=False, digits=1)
PING_P99_US = Measure("ping_p99", "us", more=False, digits=1)
LOADED_AVG_US = Measure("loaded_avg", "us", more=False, digits=0)
LOADED_P99_US = Measure("loaded_p99", "us", more=False, digits=0)


def kpps(name: str) -> Measure:
    """Thousands of packets a second that arrived, verified."""
    return Measure(name, "kpps", digits=1)


def gbit_s(name: str) -> Measure:
    """Thousands of millions of bits a second that arrived."""
    return Measure(name, "Gbit/s")


def resident_mb(pid: int) -> float:
    """What a process holds in memory, in millions of bytes: VmRSS of proc_pid_status(5)."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6


def of_hosts(*sizes: int) -> tuple[Measure, ...]:
    """What ``bench.load.between_hosts`` reads, with datagrams of these sizes."""
    pings = (PING_AVG_US, PING_P99_US, LOADED_AVG_US, LOADED_P99_US)
    return (GBIT_S, CPU_S_PER_GB, *pings, *(kpps(f"udp_{size}") for size in sizes))


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far: fields 14 and 15 of proc_pid_stat(5)."""
    # The command name may hold blanks and parentheses; field 3 follows the last one.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
