"""Rounds: interleaved turns, their medians, ratios and the noise of the machine.

A ratio is taken within each round, and the median of the rounds is told: a machine that changes its
speed in the course of a run changes both turns of a pair. The first subject takes two turns a round,
as itself and as its twin: what separates the two is noise, and a ratio within it says nothing.
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
    """``rounds`` has what each subject's turn read; ``failures`` tell why a turn is not there."""

    rounds: list[dict[str, Reading]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def samples(self) -> dict[str, dict[str, list[float]]]:
        """Subject to measure to its values in the order of the rounds."""
        kept: dict[str, dict[str, list[float]]] = {}
        for turns in self.rounds:
            for subject, reading in turns.items():
                for measure, value in reading.items():
                    kept.setdefault(subject, {}).setdefault(measure, []).append(value)
        return kept

    def medians(self) -> Medians:
        """Subject to measure to the median of its turns."""
        return medians(self.samples())

    def ratios(self, first: str) -> Medians:
        """Subject to measure to the median over the rounds of ``first`` divided by it.

        A round counts where both have the measure and the divisor is not 0.
        """
        paired: dict[str, dict[str, list[float]]] = {}
        for turns in self.rounds:
            own = turns.get(first, {})
            for subject in turns.keys() - {first}:
                for measure, value in turns[subject].items():
                    if measure in own and value:
                        paired.setdefault(subject, {}).setdefault(measure, []).append(own[measure] / value)
        return medians(paired)

    def noise(self, first: str) -> dict[str, float]:
        """Measure to how far the twin lies from the first subject: 0.03 is 3 percent."""
        return {name: abs(ratio - 1) for name, ratio in self.ratios(first).get(twin(first), {}).items()}


def medians(samples: dict[str, dict[str, list[float]]]) -> Medians:
    """Subject to measure to the median of its values."""
    return {
        subject: {measure: median(values) for measure, values in kept.items()}
        for subject, kept in samples.items()
    }


def run(names: list[str], rounds: int, turn: Callable[[str], Reading], failure: type[Exception]) -> Results:
    """Take every turn; a turn that raises ``failure`` is noted and the run goes on."""
    results = Results()
    for names_in_turn in order(names, rounds):
        turns: dict[str, Reading] = {}
        results.rounds.append(turns)
        for name in names_in_turn:
            try:
                turns[name] = turn(name)
            except failure as error:
                results.failures.append(f"{name}: {error}")
    return results
