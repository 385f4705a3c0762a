"""The table of drop reasons."""

from __future__ import annotations

import pytest

from tunnel import reasons


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the table, to be declared into."""
    monkeypatch.setattr(reasons, "_names", list(reasons._names))
    monkeypatch.setattr(reasons, "_texts", list(reasons._texts))


def test_a_line_gives_name_number_and_text():
    assert reasons.name(reasons.LOOP) == "LOOP"
    assert reasons.known()[reasons.LOOP] == "LOOP"
    assert "16 handlers" in reasons.text(reasons.LOOP)


def test_unclaimed_is_0():
    assert (reasons.UNCLAIMED, reasons.name(0)) == (0, "UNCLAIMED")


def test_each_has_a_constant_and_a_text():
    assert all(reasons.text(number) for number in range(len(reasons.known())))
    for name in ("UNLINKED", "LOOP", "NO_ROOM", "HELD_FULL", "RAISED", "QUARANTINED", "CLOSED"):
        assert reasons.known()[getattr(reasons, name)] == name


@pytest.mark.usefixtures("table")
def test_a_plugin_declares_its_own():
    number = reasons.declare("MY_REASON", "because")
    assert (reasons.name(number), reasons.text(number)) == ("MY_REASON", "because")
    assert reasons.declare("MY_REASON", "said again") == number
    assert reasons.text(number) == "because"


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("name", ["lower", "With Space", "1ST", "", "A-B"])
def test_a_name_that_is_none_is_refused(name: str):
    with pytest.raises(ValueError, match="upper-case identifier"):
        reasons.declare(name, "text")


@pytest.mark.usefixtures("table")
def test_the_table_has_an_end():
    free = reasons.MAX - len(reasons.known())
    for number in range(free):
        reasons.declare(f"R{number}", "text")
    with pytest.raises(OverflowError, match="holds 256"):
        reasons.declare("ONE_MORE", "text")


def test_numbers_that_nobody_declared_have_a_name_all_the_same():
    assert (reasons.name(255), reasons.text(255)) == ("REASON_255", "a number that nobody declared")


def test_known_is_a_copy():
    reasons.known().append("X")
    assert "X" not in reasons.known()
