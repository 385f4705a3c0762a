"""Scenarios are found by their files, their subjects by their names."""

from __future__ import annotations

import pytest

from bench import scenario
from bench.scenario import Length, Scenario
from bench.subject import BenchError, Module, Program, Subject


def stub(name, log):
    def build(stack):
        stack.callback(log.append, "down")
        log.append("up")
        return log

    return Subject(name, "", build)


def loaded(site, length):
    site.append("load")
    return {"seconds": length.seconds, "pings": length.pings}


@pytest.mark.parametrize("name", scenario.names())
def test_every_file_has_a_scenario(name):
    found = scenario.find(name)
    names = [subject.name for subject in found.subjects]
    assert len(names) == len(set(names))
    assert found.measures


def test_a_turn_builds_loads_and_tears_down():
    log: list[str] = []
    subject = stub("a", log)
    found = Scenario("", (), (subject,), loaded)
    assert found.turn(subject, Length(2.0, 40)) == {"seconds": 2.0, "pings": 40}
    assert log == ["up", "load", "down"]


def test_subjects_come_in_the_order_asked():
    a, b = stub("a", []), stub("b", [])
    found = Scenario("", (), (a, b), loaded)
    assert found.chosen([]) == [a, b]
    assert found.chosen(["b", "a"]) == [b, a]
    with pytest.raises(BenchError, match="no subject c: there are a, b"):
        found.chosen(["a", "c"])


def test_a_program_of_the_command_line_is_one_more_subject():
    found = Scenario("", (), (stub("a", []),), loaded, peer=lambda name, path: stub(f"{name} at {path}", []))
    assert [subject.name for subject in found.joined({"b": "/b"}).subjects] == ["a", "b at /b"]
    closed = Scenario("", (), (stub("a", []),), loaded)
    assert closed.joined({}) is closed
    with pytest.raises(BenchError, match="--peer is for others"):
        closed.joined({"b": "/b"})


def test_needs_know_what_is_there():
    assert Program("sh", "").there()
    assert not Program("no-such-program-here", "").there()
    assert Module("json", "").there()
    assert not Module("no_such_module_here", "").there()
    assert not Module("json.no_such_module_here", "").there()
