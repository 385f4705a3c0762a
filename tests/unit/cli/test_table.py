"""Tables."""

from __future__ import annotations

import pytest

from tunnel.cli.table import show_table


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
