"""Tables."""

from __future__ import annotations

import pytest

from tunnel.cli.table import show_table, show_text, terminal_columns


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(["a", "long head", "c"], [["1", "2", ""], ["wide cell", "", "3"]])
    assert capsys.readouterr().out == (
        "A          LONG HEAD  C\n"
        "1          2\n"
        "wide cell             3\n"
    )


def test_a_table_without_rows_has_its_heads(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(["a", "b"], [])
    assert capsys.readouterr().out == "A  B\n"


ROWS = [["first", "1", "a meaning of some words"], ["second", "22", ""]]


@pytest.mark.parametrize("columns", [40, 41, 200])
def test_on_a_narrow_terminal_the_last_column_goes_below(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setattr("tunnel.cli.table.terminal_columns", lambda: columns)
    show_table(["where", "count", "meaning"], [["a place " * 2, *row[1:]] for row in ROWS])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= columns
    assert ("\n    a meaning of some words\n" in out) == (columns < 200)
    assert ("\n    MEANING\n" in out) == (columns < 200)


def test_what_is_no_terminal_has_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert terminal_columns() is None
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert terminal_columns() == 60


@pytest.mark.parametrize(("columns", "lines"), [(None, 1), (100, 2), (50, 4)])
def test_a_paragraph_is_wrapped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int | None, lines: int
) -> None:
    monkeypatch.setattr("tunnel.cli.table.terminal_columns", lambda: columns)
    show_text("word " * 40)
    found = capsys.readouterr().out.splitlines()
    assert len(found) == lines
    assert columns is None or max(map(len, found)) <= columns
