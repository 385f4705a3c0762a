"""Every code block of README.md and docs/ works as it stands."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import Block, blocks, commands, page_marks, pattern

TOP = Path(__file__).parents[2]
PAGES = [TOP / "README.md", TOP / "CONTRIBUTING.md", *sorted((TOP / "docs").rglob("*.md"))]
NAMESPACES = ["unshare", "-n", "-m"] if os.geteuid() == 0 else ["unshare", "-U", "-r", "-n", "-m"]
TIMEOUT_S = 60


class Reading:
    """A page as a reader follows it: one folder from its top to its end, and one network if it has one."""

    def __init__(self, folder: Path, network: list[str] | None = None) -> None:
        self.folder, self.network = folder, network
        self.names: dict[str, Any] = {"__name__": "__docs__"}

    def shell(self, command: str, block: Block) -> str:
        """What the command prints, run with ``tunnel`` and ``python`` of this environment."""
        inner = f"exec {command}" if "until" in block.marks else command
        inner = f"ip link set lo up; {inner}" if "netns" in block.marks else inner
        prefix = NAMESPACES if "netns" in block.marks else self.network or []
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        with subprocess.Popen(
            [*prefix, "sh", "-euc", f"exec 2>&1; {inner}"],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process:
            return self.until(process, block.marks.get("until"))

    def until(self, process: subprocess.Popen[str], awaited: str | None) -> str:
        """Its whole output; a service is interrupted as soon as it printed what is awaited."""
        output = ""
        if awaited:
            assert process.stdout
            for line in process.stdout:
                output += line
                if awaited in line:
                    os.killpg(process.pid, signal.SIGINT)
                    break
        output += process.communicate(timeout=TIMEOUT_S)[0]
        assert process.returncode == 0, output
        return output


def run_python(block: Block, reading: Reading) -> None:
    """In the page's namespace; a traceback names the line of the page."""
    code = compile("\n" * (block.line - 1) + block.text, str(block.page), "exec")
    exec(code, reading.names)


def run_toml(block: Block, reading: Reading) -> None:
    """A graph file is one that ``tunnel check`` finds nothing wrong with; a topology file, ``tunnel lab check``."""
    name = block.marks.get("lab") or block.marks.get("file", "site.toml")
    (reading.folder / name).write_text(block.text)
    if "wrong" in block.marks:
        return
    command = "lab check --trust-file" if "lab" in block.marks else "check"
    reading.shell(f"tunnel {command} {shlex.quote(name)}", block)


def run_console(block: Block, reading: Reading) -> None:
    """Each command succeeds and prints the lines below it, in order, others between them or not."""
    for command, expected in commands(block):
        left = reading.shell(command, block).splitlines()
        for line in expected:
            wanted = pattern(line)
            found = next((number for number, text in enumerate(left) if wanted.search(text)), None)
            assert found is not None, f"{block}: {command}: not printed: {line}\n" + "\n".join(left)
            left = left[found + 1 :]


def run_sh(block: Block, reading: Reading) -> None:
    """Commands for a whole tree: make must know the targets; the tests run them elsewhere."""
    for line in block.text.splitlines():
        assert line.startswith("make "), f"{block}: {line}: only make is run from the top of the tree"
        reading.shell(f"cd {shlex.quote(str(TOP))}; make -n {line.removeprefix('make ')}", block)


def run_cython(block: Block, reading: Reading) -> None:
    """Compiled next to the page's other files, so that Python blocks behind it import it."""
    reading.shell(f"cythonize -q -3 -i {shlex.quote(block.marks['file'])}", block)


RUNNERS: dict[str, Callable[[Block, Reading], None]] = {
    "python": run_python,
    "toml": run_toml,
    "console": run_console,
    "sh": run_sh,
    "cython": run_cython,
}


@contextmanager
def network() -> Iterator[list[str]]:
    """The words that enter a network and mount namespace with an empty /run, which lasts meanwhile."""
    stay = "mount -t tmpfs tmpfs /run; ip link set lo up; echo ready; exec cat"
    words = [*NAMESPACES, "sh", "-ec", stay]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as keeper:
        assert keeper.stdout
        assert keeper.stdin
        assert keeper.stdout.readline() == "ready\n"
        user = [] if os.geteuid() == 0 else ["-U", "--preserve-credentials"]
        yield ["nsenter", "-t", str(keeper.pid), "-n", "-m", *user, f"--wd={Path.cwd()}"]
        keeper.stdin.close()


def follow(page: Path, folder: Path) -> int:
    """Run the page's blocks from top to end; how many there were."""
    with ExitStack() as stack:
        lasting = "page" in page_marks(page)
        return _follow(page, Reading(folder, stack.enter_context(network()) if lasting else None))


def _follow(page: Path, reading: Reading) -> int:
    folder = reading.folder
    found = [block for block in blocks(page) if block.language != "text"]
    for block in found:
        assert block.language in RUNNERS, f"{block}: no test knows {block.language!r}"
        if "file" in block.marks:
            (folder / block.marks["file"]).write_text(block.text)
        RUNNERS[block.language](block, reading)
    return len(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert follow(page, tmp_path) == page.read_text().count("\n```\n") - page.read_text().count("\n```text\n")


def page_of(folder: Path, text: str) -> Path:
    page = folder / "page.md"
    page.write_text(text)
    return page


def test_a_wrong_line_of_output_is_found(tmp_path: Path):
    right = page_of(tmp_path, "```console\n$ echo 3 packets in 12.5 ms\n7 packets in ... ms\n```\n")
    assert follow(right, tmp_path) == 1
    wrong = page_of(tmp_path, "```console\n$ echo 3 packets\n3 frames\n```\n")
    with pytest.raises(AssertionError, match="not printed: 3 frames"):
        follow(wrong, tmp_path)


def test_a_service_is_stopped(tmp_path: Path):
    program = """
from signal import *
pthread_sigmask(SIG_BLOCK, {SIGINT})
print("ready", flush=True)
print("stopped by", sigwait({SIGINT}))
"""
    (tmp_path / "service.py").write_text(program)
    console = "$ python service.py\nready\nstopped by 2\n"
    page = page_of(tmp_path, f"<!-- until: ready -->\n```console\n{console}```\n")
    assert follow(page, tmp_path) == 1


def test_python_blocks_share_names(tmp_path: Path):
    page = page_of(tmp_path, "```python\nnumber = 6\n```\n\n```python\nassert number == 6\n```\n")
    assert follow(page, tmp_path) == 2
