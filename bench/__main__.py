"""``python -m bench list`` and ``python -m bench NAME [--rounds N] [--seconds S] [--subjects a,b]``."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from bench import report, scenario
from bench.facts import facts
from bench.measure import Reading
from bench.rounds import run, twin
from bench.scenario import Scenario
from bench.subject import BenchError, Subject
from bench.tools import BUILT


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Ratios of subjects measured side by side.")
    parser.add_argument("scenario", choices=["list", *scenario.names()])
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of each load (default 3)")
    parser.add_argument("--subjects", default="", help="comma-separated; the first is compared with the others")
    return parser.parse_args()


def overview() -> None:
    """Every scenario with its subjects and what they miss."""
    for name in scenario.names():
        found = scenario.find(name)
        print(f"{name}: {found.title}")
        for line in found.missing():
            print(f"  needs: {line}")
        for subject in map(report.described, found.subjects):
            missing = "; ".join(f"missing: {line}" for line in subject["missing"])
            print(f"  {subject['name']:<16} {missing or subject['version']:<40} {subject['setting']}")


def measured(name: str, found: Scenario, subjects: list[Subject[Any]], rounds: int, seconds: float) -> dict[str, Any]:
    """Run a scenario over those of the subjects that are there; the record of the run."""
    machine = facts()
    ready = {subject.name: subject for subject in subjects if not subject.missing()}
    first = subjects[0].name
    ready[twin(first)] = subjects[0]

    def turn(subject: str) -> Reading:
        print(f"  {subject}", file=sys.stderr, flush=True)
        return found.turn(ready[subject], seconds)

    results = run(list(ready), rounds, turn, BenchError)
    effort = {"rounds": rounds, "seconds": seconds}
    return report.record(name, machine, effort, found.measures, subjects, results, first)


def main() -> int:
    """Exit code 0, or 1 where something is missing or a turn failed."""
    asked = arguments()
    if asked.scenario == "list":
        overview()
        return 0
    found = scenario.find(asked.scenario)
    try:
        subjects = found.chosen([name for name in asked.subjects.split(",") if name])
    except KeyError as unknown:
        print(f"no subject {unknown}: {', '.join(subject.name for subject in found.subjects)}", file=sys.stderr)
        return 1
    missing = found.missing() + subjects[0].missing()
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 1
    told = measured(asked.scenario, found, subjects, asked.rounds, asked.seconds)
    report.show(told, found.measures)
    print(report.write(BUILT, told))
    return 1 if told["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
