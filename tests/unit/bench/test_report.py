"""The JSON shape and the table."""

from __future__ import annotations

import io
import json
from dataclasses import replace

from rich.console import Console

from bench import report
from bench.facts import facts
from bench.measure import Measure
from bench.rounds import Results, twin
from bench.subject import Program, Subject

MEASURES = (Measure("tcp", "Gbit/s"), Measure("ping", "us", more=False, digits=1))


PEER = Subject("peer", "tuned", lambda _stack: None, lambda: "1.2")
ABSENT = replace(PEER, needs=(Program("no-such-program-here", "apt-get install none"),))


def told():
    own = {"tcp": 12.0, "ping": 30.0}
    turns = {"own": own, "peer": {"tcp": 8.0}, twin("own"): {"tcp": 12.6, "ping": 30.0}}
    results = Results([turns], failures=["peer: no answer"])
    head = {"scenario": "wire", "machine": facts(), "subjects": [report.described(ABSENT)]}
    return head | report.evaluated(MEASURES, results, "own")


def test_a_subject_tells_version_or_what_is_missing():
    assert report.described(PEER) == {"name": "peer", "version": "1.2", "setting": "tuned", "missing": []}
    assert report.described(ABSENT)["missing"] == ["apt-get install none"]
    assert report.described(ABSENT)["version"] == ""


def test_the_record_survives_json(tmp_path):
    path = report.write(tmp_path / "new", told())
    record = json.loads(path.read_text())
    assert path.name == "wire.json"
    assert record["measures"][1] == {"name": "ping", "unit": "us", "better": "less"}
    assert record["ratios"]["peer"] == {"tcp": 1.5}
    assert record["samples"]["own"] == {"tcp": [12.0], "ping": [30.0]}
    assert round(record["noise"]["tcp"], 3) == 0.048
    assert record["failures"] == ["peer: no answer"]
    assert {"date", "cpu", "cores", "kernel", "python"} <= record["machine"].keys()


def test_the_table_has_values_ratios_and_noise():
    out = io.StringIO()
    Console(file=out, width=100).print(report.table(told(), MEASURES))
    lines = {line.split()[1]: line for line in out.getvalue().splitlines() if line.startswith("│")}
    assert "12.60 (0.952)" in lines["own"]
    assert "8.00 (1.5)" in lines["peer"]
    assert lines["peer"].split("│")[3].strip() == "-"
    assert "4.8 %" in lines["noise"]
