"""Commands with several workers: the law across them, how they end, and that they leave nothing."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.netns.engines import interfaces, running, until
from tests.netns.sites import graph
from tests.netns.test_faults import JOINED, answers, ended
from tests.netns.test_law import GROUP, dropped, load, quiet
from tests.netns.test_refusals import NO_ADMIN, refused
from tunnel.lab import Lab, Node
from tunnel.lab.probe import ping

TWO = ["--workers", "2"]
ECHO = ["echo", "t0", "--address", "10.7.0.1/24", *TWO]
SENT = 20 * GROUP


def children(pid: int) -> list[int]:
    """The processes that this one has forked."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "stat").read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(entry.name))
        except OSError:
            continue  # it has ended
    return sorted(found)


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def numbered(source: Node, target: Node, address: str) -> None:
    """What is sent arrives, once and in order."""
    with load(source, target, address) as sent:
        for _ in range(SENT // GROUP):
            sent.send(GROUP)
            sent.await_all()
        assert sent.got == list(range(SENT))


def test_a_wire_of_two_taps(lab: Lab):
    switch, left, right = (quiet(lab.node(name)) for name in ("switch", "left", "right"))
    with running(switch, "wire", "ta", "tb", *TWO) as engine:
        for interface, host, number in (("ta", left, 1), ("tb", right, 2)):
            switch.move(interface, host)
            host.address(interface, f"10.9.0.{number}/24")
            host.up(interface)
        assert ping(left, "10.9.0.2", count=5, interval_s=0.1).rtts_s
        numbered(left, right, "10.9.0.2")
        ledger = engine.stop()
    assert dropped(ledger) == 0
    assert ledger["handlers"]["wire"]["rx"]["packets"] >= SENT


def test_a_tunnel(lab: Lab):
    west, east = (quiet(lab.node(name)) for name in ("west", "east"))
    lab.link((west, "eth0"), (east, "eth0"))
    for number, node in enumerate((west, east), 1):
        node.address("eth0", f"192.0.2.{number}/24")
        node.up("eth0")

    def words(here: int, there: int) -> list[str]:
        inner = ["udp", "t0", "--mtu", "1400", "--address", f"10.7.0.{here}/24", *TWO]
        return [*inner, "--listen", f"192.0.2.{here}:9000", "--peer", f"192.0.2.{there}:9000"]

    with running(west, *words(1, 2)) as near, running(east, *words(2, 1)) as far:
        assert ping(west, "10.7.0.2", count=5, interval_s=0.1).rtts_s
        numbered(west, east, "10.7.0.2")
        assert dropped(near.stop()) + dropped(far.stop()) == 0


def test_sockets_of_one_interface(lab: Lab, tmp_path: Path):
    """Nothing comes twice, nothing of our own, and the kernel does not answer; then it is as it was."""
    switch, left, right = (lab.node(name) for name in ("switch", "left", "right"))
    lab.link((switch, "va"), (left, "eth0"))
    switch.up("va")
    left.address("eth0", "10.7.0.1/24")
    left.up("eth0")
    before = switch.addresses("va")
    with running(switch, "run", graph(tmp_path, JOINED), *TWO) as engine:
        switch.move("tap", right)
        right.address("tap", "10.7.0.9/24")
        right.up("tap")
        assert not switch.addresses("va")
        until(lambda: answers(left))
        numbered(left, right, "10.7.0.9")
        numbered(right, left, "10.7.0.1")
        engine.stop()
    assert switch.addresses("va") == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_group(lab: Lab, number: signal.Signals):
    """As a terminal sends it."""
    node = lab.node("a")
    with running(node, *ECHO) as engine:
        pids = children(engine.process.pid)
        until(lambda: answers(node))
        for pid in (*pids, engine.process.pid):
            os.kill(pid, number)
        assert engine.wait()[0] == 0
        assert engine.ledger is not None
        assert engine.ledger["handlers"]["echo"]["tx"]["packets"] >= 8
        assert len(pids) == 2 and gone(pids)
    assert interfaces(node) == {"lo"}


def test_a_worker_that_is_killed(lab: Lab):
    node = lab.node("a")
    with running(node, *ECHO) as engine:
        pids = children(engine.process.pid)
        os.kill(pids[0], signal.SIGKILL)
        ended(engine, f"tunnel: worker 0 (process {pids[0]}) was killed by SIGKILL; all workers are ended")
        assert gone(pids)
    assert interfaces(node) == {"lo"}


def test_a_parent_that_is_killed(lab: Lab):
    node = lab.node("a")
    with running(node, *ECHO) as engine:
        pids = children(engine.process.pid)
        engine.process.kill()
        until(lambda: gone(pids))
        until(lambda: interfaces(node) == {"lo"})
        assert len(pids) == 2


def test_a_deleted_device_ends_them_with_one_error(lab: Lab):
    node = lab.node("a")
    with running(node, *ECHO) as engine:
        node.delete("t0")
        ended(engine, "tunnel: interface t0: gone", "deleted")
    assert interfaces(node) == {"lo"}


def test_what_cannot_be_opened_leaves_nothing(lab: Lab):
    node = lab.node("a")
    lab.link((node, "va"), (node, "vb"))
    assert refused(node, ["echo", "va", *TWO], "interface va: ", "choose another") == (2, [])
    assert refused(node, ECHO, "interface t0: Operation not permitted", "CAP_NET_ADMIN", within=NO_ADMIN) == (2, [])
    with running(node, "echo", "t0", "--address", "10.7.0.1/24") as engine:
        assert refused(node, ECHO, "interface t0: Device or resource busy", "choose another") == (2, [])
        assert refused(node, ["wire", "ta", "t0", *TWO], "interface t0: ", "choose another") == (2, [])
        until(lambda: answers(node))
        engine.stop()
    for reuse in (0, 1):
        with node.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, reuse)
            taken.bind(("127.0.0.1", 9000))
            words = ["udp", "t0", "--listen", "127.0.0.1:9000", "--peer", "127.0.0.1:9", *TWO]
            assert refused(node, words, "udp 127.0.0.1:9000: Address already in use") == (2, [])
    words = ["udp", "t0", "--listen", "127.0.0.1:9000", "--learn", *TWO]
    assert refused(node, words, "does not allow 2 workers") == (1, [])


def test_two_engines_do_not_share_by_mistake(lab: Lab):
    node = lab.node("a")
    words = ["udp", "--listen", "127.0.0.1:9000", "--peer", "127.0.0.1:9", *TWO]
    with running(node, *words, "t0") as engine:
        assert refused(node, [*words, "t1"], "udp 127.0.0.1:9000: Address already in use") == (2, [])
        elsewhere = [*words[:2], "127.0.0.1:9001", *words[3:], "t0"]
        assert refused(node, elsewhere, "interface t0: ", "choose another") == (2, [])
        engine.stop()


