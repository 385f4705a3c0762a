"""Rounds: interleaved turns, their medians, ratios and the noise of the machine.

The first subject takes two turns a round, as itself and as its twin: what separates the two is
noise, and a ratio within it says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median

from bench.measure import Reading

TWIN = "again"
Medians = dict[str, dict[str, float]]


def twin(name: str) -> str:
    """The name under which the first subject is measured a second time."""
    return f"{name} ({TWIN})"


def order(names: list[str], rounds: int) -> Iterator[list[str]]:
    """The turns of each round: rotated by one, so that none always follows the same warm-up."""
    for number in range(rounds):
        shift = number % len(names)
        yield names[shift:] + names[:shift]


@dataclass
class Results:
    """``samples[subject][measure]`` is one value a round; ``failures`` tell what gave none."""

    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, subject: str, reading: Reading) -> None:
        """Keep what was read in one turn."""
        kept = self.samples.setdefault(subject, {})
        for measure, value in reading.items():
            kept.setdefault(measure, []).append(value)

    def medians(self) -> Medians:
        """Subject to measure to the median of its turns."""
        return {
            subject: {measure: median(values) for measure, values in kept.items()}
            for subject, kept in self.samples.items()
        }


def run(names: list[str], rounds: int, turn: Callable[[str], Reading], failure: type[Exception]) -> Results:
    """Take every turn; a turn that raises ``failure`` is noted and the run goes on."""
    results = Results()
    for turns in order(names, rounds):
        for name in turns:
            try:
                results.add(name, turn(name))
            except failure as error:
                results.failures.append(f"{name}: {error}")
    return results


def ratios(medians: Medians, first: str) -> Medians:
    """Subject to measure to ``first`` divided by it, where both have the measure and it is not 0."""
    own = medians.get(first, {})
    return {
        subject: {name: own[name] / value for name, value in read.items() if name in own and value}
        for subject, read in medians.items()
        if subject != first
    }


def noise(medians: Medians, first: str) -> dict[str, float]:
    """Measure to how far the twin lies from the first subject: 0.03 is 3 percent."""
    apart = ratios(medians, first).get(twin(first), {})
    return {name: abs(ratio - 1) for name, ratio in apart.items()}
