"""The one JSON shape of a run, and its table."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.measure import Measure
from bench.rounds import Results
from bench.subject import Subject


def evaluated(measures: Iterable[Measure], results: Results, first: str) -> dict[str, Any]:
    """The part of the record that follows from the samples: medians, ratios, noise."""
    return {
        "measures": [
            {"name": measure.name, "unit": measure.unit, "better": "more" if measure.more else "less"}
            for measure in measures
        ],
        "first": first,
        "samples": results.samples(),
        "medians": results.medians(),
        "ratios": results.ratios(first),
        "noise": results.noise(first),
        "failures": results.failures,
    }


def described(subject: Subject[Any]) -> dict[str, Any]:
    """Name, version, setting and what is missing of one subject."""
    missing = subject.missing()
    return {
        "name": subject.name,
        "version": "" if missing else subject.version(),
        "setting": subject.setting,
        "missing": missing,
    }


def write(folder: Path, told: dict[str, Any]) -> Path:
    """Write the record as ``NAME.json`` and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{told['scenario']}.json"
    path.write_text(json.dumps(told, indent=2) + "\n")
    return path


def cell(told: dict[str, Any], subject: str, measure: Measure) -> str:
    """A median and, in parentheses, the first subject as a multiple of it, round by round."""
    value = told["medians"].get(subject, {}).get(measure.name)
    if value is None:
        return "-"
    ratio = told["ratios"].get(subject, {}).get(measure.name)
    text = f"{value:,.{measure.digits}f}"
    return text if ratio is None else f"{text} ({ratio:.3g})"


def table(told: dict[str, Any], measures: Iterable[Measure]) -> Table:
    """One line a subject; ``(0.9)`` is the first subject divided by this one, (more) is better."""
    measures = list(measures)
    drawn = Table(title=f"{told['scenario']}: medians ({told['first']} / this)")
    drawn.add_column("subject", no_wrap=True)
    for measure in measures:
        better = "more" if measure.more else "less"
        drawn.add_column(f"{measure.name}\n{measure.unit}\n({better})", justify="right")
    for subject in told["medians"]:
        drawn.add_row(subject, *(cell(told, subject, measure) for measure in measures))
    apart = told["noise"]
    drawn.add_section()
    drawn.add_row("noise", *(f"{100 * apart[m.name]:.1f} %" if m.name in apart else "-" for m in measures))
    return drawn


def show(told: dict[str, Any], measures: Iterable[Measure]) -> None:
    """Print the table, the setting of each subject, what failed and what is missing."""
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 180)
    console.print(table(told, measures))
    for subject in told["subjects"]:
        console.print(f"{subject['name']}: {subject['setting']}", markup=False, soft_wrap=True)
    for failure in told["failures"]:
        console.print(f"failed: {failure}", markup=False, style="red", soft_wrap=True)
    for subject in told["subjects"]:
        for line in subject["missing"]:
            console.print(f"not measured: {subject['name']}: {line}", markup=False, soft_wrap=True)
