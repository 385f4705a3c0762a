"""The fixtures for tests of others: hosts on a wire on which nobody speaks unasked."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic

from tunnel.lab import Node
from tunnel.testing.fixtures import Host, TwoHosts, quiet_netns, tunnel_lab, tunnel_lab_of_session, two_hosts

__all__ = ["quiet_netns", "tunnel_lab", "tunnel_lab_of_session", "two_hosts"]

ETH_P_ALL = 3
QUIET_S, PATIENCE_S = 0.5, 5.0
UNSPOKEN = b"what the test says"


@contextmanager
def listening(*places: tuple[Node, str]) -> Iterator[list[socket.socket]]:
    """A packet socket at each interface: what goes in and out there."""
    with ExitStack() as open_ones:
        socks = []
        for node, interface in places:
            sock = open_ones.enter_context(node.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)))
            sock.bind((interface, ETH_P_ALL))
            sock.setblocking(False)
            socks.append(sock)
        yield socks


def heard(socks: list[socket.socket], seconds: float, enough: int | None = None) -> list[bytes]:
    """All frames that the sockets see in that time, or until there are enough."""
    found: list[bytes] = []
    until = monotonic() + seconds
    while (left := until - monotonic()) > 0 and (enough is None or len(found) < enough):
        found += [sock.recv(65536) for sock in select.select(socks, [], [], left)[0]]
    return found


def ends(hosts: TwoHosts) -> list[tuple[Node, str]]:
    return [(host.node, host.interface) for host in hosts]


def test_the_wire_is_silent_and_then_has_what_is_sent(two_hosts: TwoHosts) -> None:
    left, right = two_hosts
    with listening(*ends(two_hosts)) as socks:
        assert heard(socks, QUIET_S) == []
        for family, address in ((socket.AF_INET, right.ipv4), (socket.AF_INET6, right.ipv6)):
            server, client = (host.node.socket(family, socket.SOCK_DGRAM) for host in (right, left))
            with server, client:
                server.bind((address, 9000))
                server.settimeout(PATIENCE_S)
                client.sendto(UNSPOKEN, (address, 9000))
                assert server.recv(100) == UNSPOKEN
            assert [frame[-len(UNSPOKEN):] for frame in heard(socks, PATIENCE_S, enough=2)] == [UNSPOKEN] * 2
        left.node.run(["ping", "-c", "1", right.ipv4])
        left.node.run(["ping", "-c", "1", right.ipv6])
        frames = heard(socks, PATIENCE_S, enough=8)
        assert len(frames) == 8, "request and answer of each family, at both ends"
        assert heard(socks, QUIET_S) == []


def test_what_the_hosts_are(two_hosts: TwoHosts) -> None:
    for host in two_hosts:
        assert isinstance(host, Host)
        found = host.node.interface(host.interface)
        assert (found.mac, found.up, found.carrier) == (host.mac, True, True)
        assert host.node.addresses(host.interface) == [f"{host.ipv4}/24", f"{host.ipv6}/64"]
    assert two_hosts.left.node.name != two_hosts.right.node.name


def test_nothing_is_said_in_a_quiet_namespace(quiet_netns: Node) -> None:
    tap = quiet_netns.tun("tap0", tap=True)
    tun = quiet_netns.tun("tun0")
    try:
        for number, name in enumerate(("tap0", "tun0")):
            quiet_netns.address(name, f"10.{number}.0.1/24", f"fd0{number}::1/64")
            quiet_netns.up(name)
        quiet_netns.address("tap0", "fd07::1/64")
        assert select.select([tap, tun], [], [], QUIET_S)[0] == []
        with quiet_netns.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.sendto(UNSPOKEN, ("fd01::2", 9000))
        assert select.select([tap, tun], [], [], PATIENCE_S)[0] == [tun]
        assert os.read(tun, 2048)[-len(UNSPOKEN):] == UNSPOKEN
        with quiet_netns.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.sendto(UNSPOKEN, ("fd00::2", 9000))
        assert select.select([tap], [], [], PATIENCE_S)[0] == [tap], "whoever is spoken to is asked for"
    finally:
        os.close(tap)
        os.close(tun)


OWN_PROJECT = """
def test_ping(two_hosts, quiet_netns):
    left, right = two_hosts
    assert "1 received" in left.node.run(["ping", "-c", "1", right.ipv6]).stdout
    assert [one.name for one in quiet_netns.interfaces()] == ["lo"]
"""


def own_project(folder: Path, *prefix: str) -> str:
    """What pytest says of a project that uses them as the manual says."""
    (folder / "conftest.py").write_text('pytest_plugins = ["tunnel.testing.fixtures"]\n')
    (folder / "test_own.py").write_text(OWN_PROJECT)
    command = [*prefix, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", str(folder)]
    path = os.pathsep.join(place or os.getcwd() for place in sys.path)
    env = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False).stdout


def test_in_a_project_of_its_own(tunnel_lab_of_session: object, tmp_path: Path) -> None:
    assert "1 passed" in own_project(tmp_path)


def test_without_rights_it_is_skipped_with_a_sentence(tunnel_lab_of_session: object, tmp_path: Path) -> None:
    none = 'echo 0 >/proc/sys/user/max_net_namespaces; exec "$@"'
    told = own_project(tmp_path, "unshare", "--user", "--map-root-user", "sh", "-c", none, "sh")
    assert "1 skipped" in told
    assert "no network namespaces here: the lab cannot start: unshare" in told


def test_the_kit_for_handlers_needs_neither_lab_nor_pytest() -> None:
    program = "import sys, tunnel.testing; print([n for n in sys.modules if n in ('pytest', 'tunnel.lab', 'pyroute2')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
