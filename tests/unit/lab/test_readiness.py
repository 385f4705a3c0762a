"""Waiting for a line of a program's stderr."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tunnel.errors import LabError
from tunnel.lab.readiness import await_line


def saying(program: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", f"import sys, signal\n{program}"], stderr=subprocess.PIPE)


def test_lines_before_it_are_skipped():
    with saying("print('warning: x\\nrunning: y', file=sys.stderr)\nsignal.pause()") as program:
        assert await_line(program, "running") == "running: y"
        program.kill()


def test_an_end_before_it_tells_what_was_said():
    program = saying("print('no such device', file=sys.stderr)")
    with program, pytest.raises(LabError, match="did not say 'running': no such device"):
        await_line(program, "running")


def test_silence_has_a_limit():
    with saying("signal.pause()") as program:
        with pytest.raises(LabError, match="it said nothing"):
            await_line(program, "running", limit_s=0.01)
        program.kill()
