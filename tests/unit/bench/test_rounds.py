"""Interleaving, medians, ratios and noise."""

from __future__ import annotations

import pytest

from bench.rounds import Results, noise, order, ratios, run, twin


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
    assert results.samples == {"a": {"x": [1, 4, 5]}, "b": {"x": [2, 3, 6]}}
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
    assert results.samples["a"]["x"] == [1.0, 3.0]
    assert results.failures == ["a: no answer"]


def test_another_error_ends_the_run():
    with pytest.raises(ZeroDivisionError):
        run(["a"], 1, lambda _name: {"x": 1 / 0}, Failure)


def test_ratio_is_the_first_subject_divided_by_the_other():
    medians = {"a": {"x": 6.0, "y": 1.0}, "b": {"x": 4.0}, "c": {"x": 0.0, "z": 1.0}}
    assert ratios(medians, "a") == {"b": {"x": 1.5}, "c": {}}
    assert ratios({"b": {"x": 4.0}}, "a") == {"b": {}}


def test_noise_is_how_far_the_twin_lies():
    medians = {"a": {"x": 9.0}, "b": {"x": 1.0}, twin("a"): {"x": 10.0}}
    assert noise(medians, "a") == {"x": pytest.approx(0.1)}
    assert noise({"a": {"x": 9.0}}, "a") == {}


def test_a_measure_may_be_absent_in_a_turn():
    results = Results()
    results.add("a", {"x": 1.0})
    results.add("a", {"x": 3.0, "y": 5.0})
    assert results.medians() == {"a": {"x": 2.0, "y": 5.0}}
