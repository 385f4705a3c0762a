"""``python -m bench [NAME ...] [--rounds N] [--seconds S] [--pings N] [--subjects a,b]
[--peer NAME=PATH ...]``.

``list`` tells what there is.

Without a name every scenario is run. The records are in build/bench.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from bench import report, scenario
from bench.facts import facts
from bench.load import PING_INTERVAL_S, pings_in
from bench.measure import Reading
from bench.rounds import run, twin
from bench.scenario import Length, Scenario
from bench.subject import BenchError, Subject
from bench.tools import BUILT


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Ratios measured side by side.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"list, {', '.join(scenario.names())}")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each load (default 3)")
    every_ms = 1000 * PING_INTERVAL_S
    parser.add_argument("--pings", type=int, help=f"pings, one each {every_ms:g} ms (default: for --seconds)")
    parser.add_argument("--subjects", default="", help="a,b: the first is compared with the others")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PATH", help="measure this program too")
    asked = parser.parse_args()
    asked.peers = dict(word.partition("=")[::2] for word in asked.peer)
    if not all(name and path for name, path in asked.peers.items()):
        parser.error("--peer NAME=PATH was expected")
    unknown = set(asked.names) - {"list", *scenario.names()}
    if unknown:
        parser.error(f"no scenario {', '.join(sorted(unknown))}")
    asked.pings = pings_in(asked.seconds) if asked.pings is None else asked.pings
    if asked.rounds < 1 or asked.seconds <= 0 or asked.pings < 1:
        parser.error("--rounds and --pings of at least 1 and --seconds above 0 were expected")
    return asked


def overview() -> None:
    """Every scenario with its subjects and what they miss."""
    for name in scenario.names():
        found = scenario.find(name)
        print(f"{name}: {found.title}")
        for line in found.missing():
            print(f"  needs: {line}")
        for subject in map(report.described, found.subjects):
            missing = "; ".join(f"missing: {line}" for line in subject["missing"])
            print(f"  {subject['name']:<18} {missing or subject['version']:<36} {subject['setting']}")


def measured(
    name: str, found: Scenario, subjects: list[Subject[Any]], rounds: int, length: Length
) -> dict[str, Any]:
    """Run a scenario over those of the subjects that are there; the record of the run."""
    machine = facts()
    ready = {subject.name: subject for subject in subjects if not subject.missing()}
    first = subjects[0].name
    ready[twin(first)] = subjects[0]

    def turn(subject: str) -> Reading:
        print(f"{name}: {subject}", file=sys.stderr, flush=True)
        return found.turn(ready[subject], length)

    results = run(list(ready), rounds, turn, BenchError)
    head = {
        "scenario": name,
        "machine": machine,
        "rounds": rounds,
        "seconds": length.seconds,
        "pings": length.pings,
        "subjects": [report.described(subject) for subject in subjects],
    }
    return head | report.evaluated(found.measures, results, first)


def ran(name: str, asked: argparse.Namespace) -> bool:
    """Measure, show and write one scenario; False where something is missing or a turn failed."""
    try:
        found = scenario.find(name).joined(asked.peers)
        subjects = found.chosen([word for word in asked.subjects.split(",") if word])
    except BenchError as error:
        print(f"{name}: {error}", file=sys.stderr)
        return False
    missing = found.missing() + subjects[0].missing()
    if missing:
        print(f"{name}: not measured: {'; '.join(missing)}", file=sys.stderr)
        return False
    told = measured(name, found, subjects, asked.rounds, Length(asked.seconds, asked.pings))
    report.show(told, found.measures)
    print(report.write(BUILT, told))
    return not told["failures"]


def main() -> int:
    """Exit code 0, or 1 where something is missing or a turn failed."""
    asked = arguments()
    if "list" in asked.names:
        overview()
        return 0
    done = [ran(name, asked) for name in asked.names or scenario.names()]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
