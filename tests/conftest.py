"""Under CI=true a skip is a failure, unless ``allowed_skips.txt`` beside this file names it."""

from __future__ import annotations

import gc
import os
from collections.abc import Generator
from pathlib import Path

import pytest

ALLOWED = Path(__file__).with_name("allowed_skips.txt")


def allowed_skips(text: str) -> dict[str, str]:
    """Test ids and their reasons; ``ValueError`` for a line without a reason."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    for line in lines:
        if not all(part.strip() for part in line.partition(": ")):
            raise ValueError(f"{ALLOWED.name}: {line!r}: 'test id: reason' was expected")
    return {name.strip(): reason.strip() for name, _, reason in (line.partition(": ") for line in lines)}


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Makes a failure of a skip that nobody allowed; an expected failure is none."""
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    if not {report.nodeid, report.nodeid.partition("[")[0]} & allowed_skips(ALLOWED.read_text()).keys():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}\nunder CI=true this fails; provide it, or name it in {ALLOWED.name}"


def pytest_collection_finish() -> None:
    """What was collected stays to the end: no garbage collection need look at it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if os.environ.get("CI") == "true":
        refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if os.environ.get("CI") == "true":
        refuse_skip(report)
    return report
