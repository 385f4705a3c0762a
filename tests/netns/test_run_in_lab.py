"""``tunnel run GRAPH --lab FILE``: a lab for as long as its graph runs."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.netns.conftest import NO_RIGHTS
from tests.netns.sites import between, graph
from tunnel.counters import engine_imbalance
from tunnel.errors import LabError
from tunnel.lab import Lab
from tunnel.lab.readiness import await_line

PATIENCE_S = 20.0
LAB = """
name = "run"
[nodes.a]
[nodes.b]
"""
WIRE = between("wire", "wire", {"ta": "tap", "tb": "tap"}).replace(
    "[devices.ta]", '[devices.ta]\nnetns = "a"\naddress = ["10.0.0.1/24", "fd00::1/64"]'
).replace("[devices.tb]", '[devices.tb]\nnetns = "b"\naddress = ["10.0.0.2/24", "fd00::2/64"]')  # fmt: skip
OWN_RUN = 'mount -t tmpfs none /run && exec "$@"'


@pytest.fixture(autouse=True)
def rights() -> None:
    """Skips where there are none."""
    try:
        Lab().close()
    except LabError as error:
        if error.errno in NO_RIGHTS:
            pytest.skip(str(error))
        raise


def command(folder: Path, *words: str, lab: str = LAB, text: str = WIRE) -> tuple[list[str], dict[str, str]]:
    """The command's words, and its environment; as root its /run is its own."""
    file = folder / "lab.toml"
    file.write_text(lab)
    runtime = folder / "runtime"
    runtime.mkdir(0o700, exist_ok=True)
    apart = ["unshare", "-m", "sh", "-c", OWN_RUN, "sh"] if os.geteuid() == 0 else []
    own = [sys.executable, "-m", "tunnel", "run", graph(folder, text), "--lab", str(file), "--trust-file", *words]
    return [*apart, *own], {**os.environ, "XDG_RUNTIME_DIR": str(runtime)}


def state(folder: Path) -> tuple[set[str], set[str], list[str]]:
    """What could be left: processes that know the folder, links, and records."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.fsencode(folder) in (entry / "environ").read_bytes():
                found.add(entry.name)
        except OSError:
            continue
    return found, set(os.listdir("/sys/class/net")), sorted(map(str, folder.glob("runtime/tunnel/*")))


@contextmanager
def started(folder: Path, *words: str, **options: str) -> Iterator[subprocess.Popen[str]]:
    """The command, once its engine runs; nothing of it is left afterwards."""
    program, env = command(folder, *words, **options)
    before = state(folder)
    with subprocess.Popen(
        program, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            await_line(process, "running: ta -> wire.a")
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    gone(folder, before)


def gone(folder: Path, before: object) -> None:
    """Waits for the kernel to have ended what dies with the command."""
    for _ in range(200):
        if state(folder) == before:
            return
        select.select([], [], [], 0.05)
    assert state(folder) == before


def engine_of(process: subprocess.Popen[str]) -> int:
    """The process that runs the graph."""
    children = map(int, Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split())
    (found,) = [pid for pid in children if b"\0run\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return found


def ping(process: subprocess.Popen[str], node: str, address: str) -> str:
    """From a node of the lab, as the graph's process finds it."""
    engine = engine_of(process)
    user = [f"--user=/proc/{engine}/ns/user", "--preserve-credentials"] if os.geteuid() else []
    mount = ["nsenter", *user, f"--mount=/proc/{engine}/ns/mnt"]
    inner = [*mount, "nsenter", f"--net=/run/netns/{node}", "ping", "-c", "1", "-W", "5", address]
    return subprocess.run(inner, capture_output=True, text=True, timeout=PATIENCE_S, check=True).stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_two_nodes_and_a_wire(tmp_path: Path, number: signal.Signals) -> None:
    with started(tmp_path, "--json", "--loop", "asyncio") as process:
        assert "1 received" in ping(process, "a", "10.0.0.2")
        assert "1 received" in ping(process, "b", "fd00::1")
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
        ledger = json.loads(out)
        assert engine_imbalance(ledger) == 0
        assert ledger["devices"]["ta"]["rx"]["packets"] >= 2


def test_options_are_the_graph_s(tmp_path: Path) -> None:
    with started(tmp_path, "--for", "0.2", "--json", "--workers", "2", "--no-offload", "all", "--strict") as process:
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
        ledger = json.loads(out)
        assert not any(one["on"] for one in ledger["offloads"]["ta"].values())


def test_a_command_that_is_killed_takes_all_along(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        pidfd = os.pidfd_open(engine_of(process))
        process.kill()
        assert select.select([pidfd], [], [], PATIENCE_S)[0], "the engine lives on"
        os.close(pidfd)


def test_a_lab_that_is_ended_by_another_ends_the_graph(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        (holder,) = [pid for pid in map(int, children) if pid != engine_of(process)]
        os.kill(holder, signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 2
        assert "tunnel: lab run: it was ended meanwhile, and the graph with it" in err


def refused(folder: Path, **options: str) -> tuple[int, str]:
    """Exit code and errors of a command that fails; it leaves nothing."""
    program, env = command(folder, **options)
    before = state(folder)
    done = subprocess.run(program, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    gone(folder, before)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_mistakes_are_told(tmp_path: Path) -> None:
    status, err = refused(tmp_path, text=WIRE.replace('netns = "b"', 'netns = "bb"'))
    assert status == 1
    assert 'devices.tb.netns: ' in err and 'has no node "bb" (did you mean "b"?), expected one of a, b' in err
    status, err = refused(tmp_path, lab=LAB + "[nodes.a.interfaces.t]\n")
    assert status == 1 and "lab.toml:" in err
    status, err = refused(tmp_path, text=WIRE.replace('type = "wire"', 'type = "wires"'))
    assert status == 1 and "graph.toml:" in err
    status, err = refused(tmp_path, text=WIRE.replace("10.0.0.1/24", "10.0.0.1/24\", \"10.0.0.1/24"))
    assert status in {1, 2} and err.startswith("tunnel: ")


def test_a_signal_while_the_lab_is_built(tmp_path: Path) -> None:
    slow = LAB + 'run = [{ command = ["sh", "-c", "echo >begun; sleep 1000"], ready = { exit = true } }]\n'
    program, env = command(tmp_path, lab=slow)
    before = state(tmp_path)
    with subprocess.Popen(program, env=env, stderr=subprocess.PIPE, text=True) as process:
        for _ in range(200):
            if (tmp_path / "begun").exists():
                break
            select.select([], [], [], 0.05)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (128 + signal.SIGTERM, "")
    gone(tmp_path, before)
