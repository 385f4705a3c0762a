"""``tunnel drops``: engines of this user, found by their control sockets."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.cli.calls import TOP, Ended, call, graph_file
from tunnel import control
from tunnel import runtime as runtime_folder


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runtime folder of the test's own."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(runtime_folder, "ROOTS_FOLDER", tmp_path / "tunnel")
    return tmp_path


@contextmanager
def engine(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """``tunnel run`` of a small graph, whose control socket is in ``folder`` whoever runs it."""
    program = (
        f"from pathlib import Path; from tunnel import runtime; runtime.ROOTS_FOLDER = Path({str(folder)!r}, 'tunnel');"
        f"from tunnel.cli import main; main(['run', '--trust-file', {graph_file(folder)!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=TOP, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert process.stderr.readline().startswith("running: ")
            yield process
        finally:
            process.kill()


def test_no_engine_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "drops") == Ended(0, "no engine of yours is running\n", "")
    assert call(capsys, "drops", "-j") == Ended(0, "[]\n", "")


def test_a_process_that_is_no_engine(capsys: pytest.CaptureFixture[str]) -> None:
    ended = call(capsys, "drops", str(os.getpid()))
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"tunnel: process {os.getpid()}: not a running engine of yours; ")


@pytest.mark.parametrize("word", ["0", "-1", "all", str(2**70)])
def test_what_is_no_process_number(capsys: pytest.CaptureFixture[str], word: str) -> None:
    ended = call(capsys, "drops", word)
    assert (ended.status, ended.out) == (1, "")
    assert "Traceback" not in ended.err


def test_an_engine_tells_its_table(capsys: pytest.CaptureFixture[str], runtime: Path) -> None:
    with engine(runtime) as process:
        (told,) = json.loads(call(capsys, "drops", "-j").out)
        ended = call(capsys, "drops", str(process.pid))
    assert told["pid"] == process.pid
    assert told["links"] == ["a -> b", "b -> a"]
    assert told["account"]["open"] == 0
    assert [*told["ledger"]] == ["devices", "handlers", "kernel", "offloads", "namespaces"]
    assert (ended.status, ended.err) == (0, "")
    assert ended.out == (
        f"engine {process.pid}: a -> b, b -> a\n\n"
        "WHERE  REASON  PACKETS  DESCRIPTORS  BYTES  MEANING\n\n"
        "rx 0 + emitted 0 + cloned 0 = tx 0 + held 0 + consumed 0 + drops 0\n"
    )


def test_several_engines_one_of_them_stopped(
    capsys: pytest.CaptureFixture[str], runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "PATIENCE_S", 0.5)
    with engine(runtime) as first, engine(runtime) as second:
        both = call(capsys, "drops")
        second.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, second.pid, os.WSTOPPED)
        one = call(capsys, "drops")
    assert [line.split(":")[0] for line in both.out.splitlines() if line.startswith("engine")] == [
        f"engine {pid}" for pid in sorted((first.pid, second.pid))
    ]
    assert one.status == 2
    assert one.out.startswith(f"engine {first.pid}: ")
    assert one.err.startswith(f"tunnel: engine {second.pid}: no answer in ")
    assert call(capsys, "drops").out == "no engine of yours is running\n", "killed ones leave nothing that counts"
