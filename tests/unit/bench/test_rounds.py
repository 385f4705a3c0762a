"""Interleaving, medians, ratios and noise."""

from __future__ import annotations

import pytest

from bench.rounds import Results, order, run, twin


class Failure(Exception):
    pass


def test_rounds_are_rotated():
    assert list(order(["a", "b", "c"], 4)) == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


def test_turns_are_interleaved_and_all_taken():
    taken = []

    def turn(name):
        taken.append(name)
        return {"x": len(taken)}

    results = run(["a", "b"], 3, turn, Failure)
    assert taken == ["a", "b", "b", "a", "a", "b"]
    assert results.samples() == {"a": {"x": [1, 4, 5]}, "b": {"x": [2, 3, 6]}}
    assert results.medians() == {"a": {"x": 4}, "b": {"x": 3}}
    assert not results.failures


def test_a_failed_turn_is_told_and_costs_only_itself():
    turns = iter([1.0, None, 3.0])

    def turn(_name):
        value = next(turns)
        if value is None:
            raise Failure("no answer")
        return {"x": value}

    results = run(["a"], 3, turn, Failure)
    assert results.samples()["a"]["x"] == [1.0, 3.0]
    assert results.failures == ["a: no answer"]


def test_another_error_ends_the_run():
    with pytest.raises(ZeroDivisionError):
        run(["a"], 1, lambda _name: {"x": 1 / 0}, Failure)


def test_ratio_is_the_first_subject_divided_by_the_other():
    results = Results([{"a": {"x": 6.0, "y": 1.0}, "b": {"x": 4.0}, "c": {"x": 0.0, "z": 1.0}}])
    assert results.ratios("a") == {"b": {"x": 1.5}}
    assert Results([{"b": {"x": 4.0}}]).ratios("a") == {}


def test_a_machine_that_becomes_twice_as_fast_leaves_the_ratio_as_it_is():
    slow = {"a": {"x": 3.0}, "b": {"x": 2.0}}
    fast = {"a": {"x": 6.0}, "b": {"x": 4.0}}
    results = Results([slow, {"b": {"x": 4.0}}, fast, {"a": {"x": 3.0}}, fast])
    assert results.medians() == {"a": {"x": 4.5}, "b": {"x": 4.0}}
    assert results.ratios("a") == {"b": {"x": 1.5}}


def test_noise_is_how_far_the_twin_lies():
    results = Results([{"a": {"x": 9.0}, "b": {"x": 1.0}, twin("a"): {"x": 10.0}}])
    assert results.noise("a") == {"x": pytest.approx(0.1)}
    assert Results([{"a": {"x": 9.0}}]).noise("a") == {}


def test_a_measure_may_be_absent_in_a_turn():
    results = Results([{"a": {"x": 1.0}}, {"a": {"x": 3.0, "y": 5.0}}])
    assert results.medians() == {"a": {"x": 2.0, "y": 5.0}}
