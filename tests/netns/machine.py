"""A machine of a test's own: private namespaces in which it may make and break what it likes, and look at the whole.

Network, mounts, processes and /run are private; whoever began as an ordinary user is root there by a user
namespace. The kernel ends whatever is left when the first process ends.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tunnel.lab.processes import start_of

IS_ROOT = os.geteuid() == 0
LIMIT_S = 60.0  # of a test on such a machine
SAME_S = 15.0  # in which the kernel's asynchronous part ends
FOLDER = Path("/mnt")  # for files of the test, empty
KEPT_FOLDERS = ("/run/netns", "/run/tunnel", "/run/user/tunnel")  # they stay, empty, as iproute2 leaves its own
PRIVATE = ["unshare", *([] if IS_ROOT else ["-U", "-r"]), "-n", "-m", "-p", "-f", "--mount-proc", "--kill-child"]
ORDINARY = ["unshare", "-U", "--map-user=65534", "--map-group=65534"]
PREPARE = """
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -m 700 /run/user
mount -t tmpfs -o mode=755 tmpfs /mnt
ip link set lo up
export XDG_RUNTIME_DIR=/run/user
"$@"
exit $?
"""
QUESTIONS = {
    "links": "ip -d -j link",
    "addresses": "ip -j addr",
    "routes": "ip -j route show table all",
    "IPv6 routes": "ip -6 -j route show table all",
    "rules": "ip -j rule",
    "IPv6 rules": "ip -6 -j rule",
    "neighbours": "ip -j neigh",
    "IPv6 neighbours": "ip -6 -j neigh",
    "nftables": "[ $(id -u) != 0 ] || nft -j list ruleset",
    "names": "ip -j netns",
}
State = dict[str, Any]


def alone(function: Callable[..., None], *arguments: str, ordinary: bool = False) -> None:
    """Runs a function of a test module on such a machine, as root of it or as an ordinary user."""
    begun = begin(function, *arguments, ordinary=ordinary)
    try:
        said, _ = begun.communicate(timeout=LIMIT_S)
    finally:
        begun.kill()
        begun.wait()
    assert begun.returncode == 0, said


def begin(function: Callable[..., None], *arguments: str, ordinary: bool = False) -> subprocess.Popen[str]:
    """As ``alone``, without waiting."""
    module = f"tests.netns.{Path(function.__code__.co_filename).stem}"
    program = f"import sys, {module} as tests; tests.{function.__name__}(*sys.argv[1:])"
    words = [*(ORDINARY if ordinary else []), sys.executable, "-c", program, *arguments]
    path = os.pathsep.join(place or os.getcwd() for place in sys.path)
    return subprocess.Popen(
        [*PRIVATE, "sh", "-c", PREPARE, "sh", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip


def state() -> State:
    """Everything of this machine that a lab could change."""
    script = "\n".join(f"echo; echo {shlex.quote(name)}; {question}" for name, question in QUESTIONS.items())
    done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    found: State = dict(zip(QUESTIONS, map(_answer, done.stdout.split("\n\n")), strict=True))
    return {**found, "files": sorted(_files(Path("/run"))), "mounts": _mounts(), "processes": _processes()}


def _answer(text: str) -> Any:
    answer = text.strip().partition("\n")[2].strip()
    return json.loads(answer) if answer else []


def _files(folder: Path) -> Iterator[str]:
    """Names, kinds and modes, the folders aside that stay."""
    for entry in os.scandir(folder):
        mode = entry.stat(follow_symlinks=False).st_mode
        if entry.path not in KEPT_FOLDERS:
            yield f"{entry.path} {stat.filemode(mode)}"
        if stat.S_ISDIR(mode):
            yield from _files(Path(entry.path))


def _mounts() -> list[str]:
    """Kind and place, without that of /run/netns on itself."""
    fields = [line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return sorted(" ".join(each[3:5]) for each in fields if each[4] != "/run/netns")


def _processes() -> list[str]:
    """All that live, this one aside."""
    pids = {int(name) for name in os.listdir("/proc") if name.isdigit()} - {os.getpid()}
    return sorted(f"{pid} since {start_of(pid)}: {_words(pid)}" for pid in pids if start_of(pid) and not _is_dead(pid))


def _is_dead(pid: int) -> bool:
    """Whether nothing of it is left but its exit status."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def require_same(before: State, what: object = "") -> None:
    """Waits for the machine to be as it was; what differs in the end is an ``AssertionError``."""
    until = time.monotonic() + SAME_S
    while (after := state()) != before:
        if time.monotonic() > until:
            raise AssertionError(f"{what}: {'; '.join(_differences(before, after))}")


def _differences(before: State, after: State) -> Iterator[str]:
    for what in before:
        if before[what] != after[what]:
            gone = [one for one in before[what] if one not in after[what]]
            more = [one for one in after[what] if one not in before[what]]
            yield f"{what}: gone {gone}, more {more}"


def tunnel(*words: str, status: int = 0, text: str = "") -> str:
    """What the command says, errors included; it must end with ``status`` and without a traceback."""
    done = _run(words, text)
    assert done.returncode == status, f"tunnel {' '.join(words)}: ended with {done.returncode}: {done.stdout}"
    return done.stdout


def said(*words: str) -> str:
    """As ``tunnel``, however it ends."""
    return _run(words).stdout


def _run(words: Sequence[str], text: str = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tunnel", *words], input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stdout, done.stdout
    return done


def ip(*words: str) -> str:
    """What iproute2 says."""
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True, timeout=LIMIT_S).stdout
