"""The control socket on either loop: answers, and what it does not let clients do."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from tests.unit.site import LOOPS, PATIENCE_S
from tunnel import control
from tunnel import runtime as runtime_folder
from tunnel.errors import ConfigError, TunnelError


@pytest.fixture(params=LOOPS)
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the sockets go, below a name that no address of a Unix socket could hold."""
    runtime = tmp_path / ("long" * 30)
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    monkeypatch.setattr(runtime_folder, "ROOTS_FOLDER", runtime / "tunnel")
    return runtime / "tunnel"


def mine(folder: Path) -> Path:
    return folder / f"engine-{os.getpid()}.sock"


def failing() -> object:
    raise ValueError("it went wrong")


class Sum(msgspec.Struct, forbid_unknown_fields=True):
    """Numbers to add up."""

    of: list[int]


VERBS: control.Verbs = {
    "drops": control.Verb(lambda: {"n": 5}),
    "fail": control.Verb(failing),
    "much": control.Verb(lambda: "x" * (4 << 20)),
    "add": control.Verb(lambda asked: sum(asked.of), Sum),
}


def meanwhile(loop: str, work: Callable[..., Any], *args: object) -> Any:
    """What ``work`` returns on a thread while the verbs are offered on a loop."""

    async def serve() -> Any:
        async with control.offered(VERBS):
            return await asyncio.wait_for(asyncio.to_thread(work, *args), PATIENCE_S)

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(serve())


def dial(folder: Path) -> socket.socket:
    """A client of our own, from within the folder: its path is too long."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    fd = os.open(folder, os.O_PATH)
    try:
        sock.settimeout(PATIENCE_S)
        sock.connect(f"/proc/self/fd/{fd}/{mine(folder).name}")
    finally:
        os.close(fd)
    return sock


def said(folder: Path, request: bytes) -> bytes:
    """All that comes back for these bytes, until the other side hangs up."""
    with dial(folder) as sock:
        try:
            sock.sendall(request)
            return b"".join(iter(lambda: sock.recv(1 << 16), b""))
        except ConnectionError:
            return b""


def test_an_engine_answers_its_user(loop: str, folder: Path):
    assert meanwhile(loop, control.ask, os.getpid(), "drops") == {"n": 5}
    assert list(folder.iterdir()) == [], "its socket goes with it"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_it_is_listed_while_it_runs(loop: str, folder: Path):
    def look() -> tuple[list[int], int]:
        return control.engines(), stat.S_IMODE(mine(folder).stat().st_mode)

    assert meanwhile(loop, look) == ([os.getpid()], 0o600)
    assert control.engines() == []


def test_a_long_answer_arrives_whole(loop: str, folder: Path):
    assert meanwhile(loop, control.ask, os.getpid(), "much") == "x" * (4 << 20)


def test_a_verb_with_an_argument(loop: str, folder: Path):
    assert meanwhile(loop, control.ask, os.getpid(), "add", {"of": [1, 2, 3]}) == 6
    assert meanwhile(loop, control.ask, os.getpid(), "add", {"of": [1] * 1300}) == 1300


@pytest.mark.parametrize(("argument", "error"), [
    (None, "add: Input data was truncated"),
    ({}, "add: .*missing required field `of`"),
    ({"of": ["x"]}, r"add: Expected `int`, got `str` - at `\$.of\[0\]`"),
    ({"of": [], "x": 1}, "add: Object contains unknown field `x`"),
    ({"of": [1] * 1400}, "add: the argument is too long; at most 4096 bytes"),
])  # fmt: skip
def test_a_wrong_argument(loop: str, folder: Path, argument: object, error: str):
    with pytest.raises(TunnelError, match=f"engine {os.getpid()}: {error}"):
        meanwhile(loop, control.ask, os.getpid(), "add", argument)


def test_an_argument_too_many(loop: str, folder: Path):
    with pytest.raises(TunnelError, match="drops takes no argument"):
        meanwhile(loop, control.ask, os.getpid(), "drops", {"of": []})


def test_by_a_socket_that_somebody_else_connected(loop: str, folder: Path):
    def by_hand() -> Any:
        with dial(folder) as sock:
            return control.exchange(sock, "the lab's engine", "add", {"of": [1, 2]})

    assert meanwhile(loop, by_hand) == 3


@pytest.mark.parametrize(
    ("verb", "error"), [("fail", "it went wrong"), ("fly", "'fly' is not known; drops, fail, much, add is")]
)
def test_what_goes_wrong_is_told(loop: str, folder: Path, verb: str, error: str):
    with pytest.raises(TunnelError, match=f"engine {os.getpid()}: {error}"):
        meanwhile(loop, control.ask, os.getpid(), verb)


@pytest.mark.parametrize("request_", [
    b"x" * 100_000, b"\xff\xfe\n", b"\n", b"drops drops\n", b"drops {}\n", b"add\n", b"add {\n", b"add \xff\n",
    b"add " + b"[" * 4000 + b"\n", b'add {"of": ' + b"[" * 4000 + b"\n", b"add " + b" " * 5000 + b'{"of": []}\n',
])
def test_nonsense_is_answered_by_an_error_or_nothing(loop: str, folder: Path, request_: bytes):
    answer = meanwhile(loop, said, folder, request_)
    assert not answer or "error" in json.loads(answer)


def test_two_lines_get_one_answer(loop: str, folder: Path):
    assert meanwhile(loop, said, folder, b"drops\ndrops\n").count(b"\n") <= 1


def test_clients_that_stall_are_hung_up_on(loop: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(control, "PATIENCE_S", 0.2)

    def stall() -> list[bytes]:
        mute, deaf = dial(folder), dial(folder)
        deaf.sendall(b"much\n")
        found = [mute.recv(1), control.ask(os.getpid(), "drops")]
        total = 0
        while more := deaf.recv(1 << 16):
            total += len(more)
        for sock in (mute, deaf):
            sock.close()
        return [*found, total]

    silent, answer, got = meanwhile(loop, stall)
    assert (silent, answer) == (b"", {"n": 5})
    assert 0 < got < 4 << 20, "what the deaf one's socket held; the rest was thrown away"


def test_more_than_a_few_are_turned_away(loop: str, folder: Path):
    def crowd() -> tuple[bytes, Any]:
        waiting = [dial(folder) for _ in range(control.CLIENTS)]
        turned_away = said(folder, b"drops\n")
        for sock in waiting:
            sock.close()
        for _ in range(100):
            try:
                return turned_away, control.ask(os.getpid(), "drops")
            except TunnelError:  # those have not been seen to be closed
                continue
        raise AssertionError("nobody is served any more")

    assert meanwhile(loop, crowd) == (b"", {"n": 5})


def test_other_users_are_not_answered(loop: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(control, "_trusted", lambda writer: False)
    with pytest.raises(TunnelError, match="it hung up"):
        meanwhile(loop, _ask_held, folder)


class Writer:
    """A connection whose other side has this socket's credentials."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def get_extra_info(self, name: str) -> socket.socket:
        assert name == "socket"
        return self._sock


@pytest.mark.parametrize(("who", "trusted"), [(0, True), (1000, True), (1001, False), (65534, False)])
def test_who_is_another_user(who: int, trusted: bool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    def credentials(level: int, option: int, size: int) -> bytes:
        assert (level, option, size) == (socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        return struct.pack("3i", 1, who, who)

    sock = SimpleNamespace(getsockopt=credentials)
    assert control._trusted(Writer(sock)) is trusted  # type: ignore[arg-type]


def test_the_kernel_tells_who_it_is():
    left, right = socket.socketpair()
    with left, right:
        assert control._trusted(Writer(left))  # type: ignore[arg-type]


def _ask_held(folder: Path) -> Any:
    with dial(folder) as sock:
        return control.exchange(sock, "it", "drops")


def dead_pid() -> int:
    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(pid, 0)
    return pid


def leave(folder: Path, pid: int) -> Path:
    """A socket that a process left behind."""
    folder.mkdir(mode=0o700, exist_ok=True)
    fd = os.open(folder, os.O_PATH)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.bind(f"/proc/self/fd/{fd}/engine-{pid}.sock")
    os.close(fd)
    return folder / f"engine-{pid}.sock"


def test_what_dead_ones_left_is_removed_by_the_next(loop: str, folder: Path):
    dead, ours, alive = leave(folder, dead_pid()), leave(folder, os.getpid()), leave(folder, os.getppid())
    other = folder / "something-else"
    other.touch()
    assert meanwhile(loop, control.ask, os.getpid(), "drops") == {"n": 5}
    assert sorted(folder.iterdir()) == sorted([alive, other])
    assert not dead.exists() and not ours.exists()


def test_a_dead_one_is_no_engine(folder: Path):
    pid = dead_pid()
    leave(folder, pid)
    with pytest.raises(ConfigError, match=f"process {pid}: not a running engine of yours"):
        control.ask(pid, "drops")


@pytest.mark.parametrize("spoil", ["open", "link", "file", "missing"])
def test_without_a_folder_of_its_own_it_does_without(
    loop: str, folder: Path, spoil: str, caplog: pytest.LogCaptureFixture
):
    if spoil == "open":
        folder.mkdir()
        folder.chmod(0o755)
    elif spoil == "link":
        (folder.parent / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to("elsewhere")
    elif spoil == "file":
        folder.touch()
    else:
        folder.parent.rmdir()
    with caplog.at_level(logging.DEBUG, "tunnel.control"):
        assert meanwhile(loop, control.engines) == []
    (line,) = [record.message for record in caplog.records if record.name == "tunnel.control"]
    assert line.startswith(f"no control socket: {folder}: ")


def test_a_relative_runtime_folder_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "run")
    assert runtime_folder.folders() == ([runtime_folder.ROOTS_FOLDER] if os.geteuid() == 0 else [])
