"""The frame of the command line: help, exit codes, errors."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import pytest

from tests.unit.cli.calls import TOP, call, spawn
from tunnel import __version__, cli
from tunnel.cli import lab
from tunnel.errors import ConfigError, DeviceError, Problem, TunnelError

NOT_COMMANDS = {
    "attach", "entering", "in_lab", "__init__", "link_routes", "progress", "running", "selftest", "standing", "table"
}  # fmt: skip


def raising(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """``tunnel handlers`` raises ``error``."""
    def fail(_kind: str) -> None:
        raise error

    monkeypatch.setattr("tunnel.registry.entries", fail)


def files_beside(module: str) -> set[str]:
    """The names of the commands whose files, or folders for groups of them, are beside a group's."""
    folder = Path(module).parent
    return {file.stem for file in (*folder.glob("*.py"), *folder.glob("[!_]*/"))} - NOT_COMMANDS


def test_each_command_is_the_file_of_its_name() -> None:
    assert files_beside(cli.__file__) == set(cli.COMMANDS)
    assert files_beside(lab.__file__) == set(lab.COMMANDS)


@pytest.mark.parametrize("name", [*sorted(cli.COMMANDS), *(f"lab {name}" for name in sorted(lab.COMMANDS))])
def test_each_command_has_its_help(capsys: pytest.CaptureFixture[str], name: str) -> None:
    ended = call(capsys, *name.split(), "--help")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: tunnel {name} ")


def test_the_help_imports_no_command() -> None:
    program = (
        "import sys; from tunnel.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted(n for n in sys.modules if n.startswith('tunnel.cli.')), 'msgspec' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=TOP, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[] False"
    for name, text in cli.COMMANDS.items():
        assert name in done.stdout
        assert text[:40] in done.stdout


def test_the_help_comes_at_once() -> None:
    """Under 100 ms, by the processor's clock: other processes count only as far as they share its caches."""
    times = [1.0]
    while min(times) >= 0.1 and len(times) < 30:
        before = getrusage(RUSAGE_CHILDREN)
        assert spawn("--help").status == 0
        after = getrusage(RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(times) < 0.1


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "--version") == (0, f"tunnel {__version__}\n", "")


@pytest.mark.parametrize(("args", "expected"), [
    ((), "tunnel: missing command; see `tunnel --help`"),
    (("chekc",), "tunnel: no such command 'chekc'"),
    (("check",), "tunnel: missing argument 'FILE'; see `tunnel check --help`"),
    (("check", "--trust"), "tunnel: no such option '--trust'"),
    (("run", "x", "--for", "0"), "tunnel: invalid value for '--for': 0.0 is not in the range x>0"),
    (("lab",), "tunnel: missing command; see `tunnel lab --help`"),
    (("lab", "chekc"), "tunnel: no such command 'chekc'"),
    (("lab", "check"), "tunnel: missing argument 'FILE'; see `tunnel lab check --help`"),
    (("wire", "a"), "tunnel: missing argument 'B'; see `tunnel wire --help`"),
    (("udp", "a"), "tunnel: missing option '--listen'; see `tunnel udp --help`"),
    (("udp", "a", "--listen", "[::]:1"), "tunnel: expected either --peer or --learn; see `tunnel udp --help`"),
    (("udp", "a", "--listen", "[::]:1", "--peer", "[::]:2", "--learn"), "tunnel: expected either --peer or --learn"),
])
def test_wrong_usage_is_1(capsys: pytest.CaptureFixture[str], args: tuple[str, ...], expected: str) -> None:
    ended = call(capsys, *args)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(expected)
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(("error", "status", "text"), [
    (ConfigError([Problem("one", "f.toml", 3), Problem("two")]), 1, "tunnel: f.toml:3: one\ntunnel: two\n"),
    (DeviceError("interface tap0: busy; choose another", 16), 2, "tunnel: interface tap0: busy; choose another\n"),
    (TunnelError("refused"), 2, "tunnel: refused\n"),
    (KeyboardInterrupt(), 130, ""),
])
def test_errors_are_lines_and_exit_codes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, text: str
) -> None:
    raising(monkeypatch, error)
    ended = call(capsys, "handlers")
    assert (ended.status, ended.err.lstrip("\n")) == (status, text)


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    raising(monkeypatch, ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.main(["handlers"])


def test_a_reader_that_has_left_is_no_error() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [sys.executable, "-m", "tunnel", "handlers"], cwd=TOP, stdout=theirs, stderr=subprocess.PIPE, check=False
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (141, b"")
