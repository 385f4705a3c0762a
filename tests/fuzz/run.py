"""``python tests/fuzz/run.py --count N --seed S``: N mutated packets under the sanitizers.

``--of messages``: messages of the WireGuard protocol instead. Builds the package with the address and
undefined-behaviour sanitizers into build/sanitize, and the fuzzers with it, then runs one there. ``--first``
starts behind so many cases, to repeat one of them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fuzz.fuzzer import Fuzzer
    from tests.fuzz.impostor import Impostor

TOP = Path(__file__).parents[2]
BUILD = TOP / "build" / "sanitize"
TREE = BUILD / "lib"
REPORT_EVERY = 1 << 20
WARM = 1 << 14  # cases after which memory must have stopped growing
GROWN_MAX = 64 << 20  # bytes; the sanitizer keeps what was freed for a while
NAMED = {0: "none", 1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmp6", 59: "end",
         132: "sctp"}  # fmt: skip


def build() -> None:
    """The sanitized package and the fuzzer, as far as they are older than their sources."""
    drop_orphans(TREE / "tunnel")
    environment = os.environ | {"TUNNEL_BUILD": "sanitize", "CFLAGS": "-Wno-all"}
    places = ["--build-base", str(BUILD / "base"), "--build-lib", str(TREE)]
    package = [sys.executable, "setup.py", "-q", "build", "--parallel", str(os.cpu_count()), *places]
    fuzzer = [sys.executable, "tests/fuzz/build.py"]
    for command in (package, fuzzer):
        done = subprocess.run(command, cwd=TOP, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def drop_orphans(package: Path) -> None:
    """Remove what was built from a source that is gone: it would be imported in place of what took its name."""
    for built in package.rglob("*.*"):
        place = built.relative_to(package)
        native = TOP / "ext" / place.with_name(place.name.partition(".")[0] + ".pyx")
        if not (native if built.suffix == ".so" else TOP / "tunnel" / place).exists():
            built.unlink()


def library(name: str) -> str:
    """Where the compiler keeps a sanitizer's library."""
    compiler = os.environ.get("CC", "gcc")
    command = [compiler, f"-print-file-name={name}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def environment() -> dict[str, str]:
    """What a Python needs for the sanitized tree."""
    return {
        "LD_PRELOAD": f"{library('libasan.so')} {library('libubsan.so')}",
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:quarantine_size_mb=32",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": os.pathsep.join([str(TREE), str(TOP)]),
    }


def sanitized(arguments: list[str]) -> int:
    """This file again, on the sanitized tree; its exit code."""
    command = [sys.executable, "-P", str(Path(__file__)), "--run", *arguments]
    return subprocess.run(command, cwd=BUILD, env=os.environ | environment(), check=False).returncode


def cases(fuzzer: Fuzzer | Impostor, first: int, count: int) -> None:
    """Cases, with a word now and then."""
    began = monotonic()
    for at in range(first, first + count, REPORT_EVERY):
        fuzzer.run(at, min(REPORT_EVERY, first + count - at))
        print(f"{min(at + REPORT_EVERY, first + count) - first} cases, {monotonic() - began:.0f} s", flush=True)


def packets(first: int, count: int, seed: int) -> None:
    """Mutated packets, and what they covered."""
    from tests.fuzz.fuzzer import Fuzzer
    from tests.fuzz.graph import Graph
    from tests.fuzz.seeds import seeds
    from tunnel.handlers.echo import Echo

    graph = Graph()
    fuzzer = Fuzzer(seeds(), seed, Echo(reflect_udp=True), graph)
    cases(fuzzer, first, count)
    print(f"seed {seed}, {count} cases from {first} on")
    print("by reason  ", _counts(fuzzer.reasons))
    print("by protocol", _counts(_named(fuzzer.protocols)))
    print("mutations  ", _counts(fuzzer.mutations))
    print(f"{fuzzer.supers} segments cut, {fuzzer.joined} packets joined, {fuzzer.answered} answers")
    print(f"{graph.out} packets out of the graph")


def messages(first: int, count: int, seed: int) -> None:
    """Mutated messages, and what they covered; at the end the genuine ones do what they are for."""
    from tests.fuzz.impostor import Impostor
    from tests.fuzz.sessions import Victim
    from tunnel.batch import Batch

    victim = Victim()
    impostor = Impostor(victim.genuine, seed, victim)
    cases(impostor, first, min(count, WARM))
    before = resident()
    cases(impostor, first + WARM, max(0, count - WARM))
    grown = resident() - before
    victim(Batch(), serve=True)
    victim.prove()
    print(f"seed {seed}, {count} cases from {first} on")
    print("by reason  ", _counts(impostor.reasons))
    print("mutations  ", _counts(impostor.mutations))
    print(f"{impostor.queued} left to Python, {victim.looked} looked at, {impostor.replies} + {victim.replies} cookies")
    print(f"{grown >> 20} MiB more memory after the first {WARM} cases")
    assert grown < GROWN_MAX, "memory grows"


def resident() -> int:
    """Bytes of memory in use."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def _named(protocols: dict[int, int]) -> dict[str, int]:
    found = {name: protocols.get(number, 0) for number, name in NAMED.items()}
    return found | {"other": sum(protocols.values()) - sum(found.values())}


def _counts(found: dict[str, int]) -> str:
    return " ".join(f"{name}={number}" for name, number in found.items())


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--count", type=int, default=200_000, help="cases (default 200,000)")
    parser.add_argument("--seed", type=int, default=1, help="seed number (default 1)")
    parser.add_argument("--first", type=int, default=0, help="number of the first case (default 0)")
    parser.add_argument("--of", choices=["packets", "messages"], default="packets", help="what is mutated")
    parser.add_argument("--run", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.run:
        (messages if chosen.of == "messages" else packets)(chosen.first, chosen.count, chosen.seed)
        return 0
    build()
    return sanitized(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(main())
