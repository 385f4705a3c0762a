"""Stock `wg-quick` with WG_QUICK_USERSPACE_IMPLEMENTATION=tunnel-wg, from its own file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns.engines import until
from tests.netns.test_wg_tools import PEERS, PRIVATE
from tests.netns.wg_programs import Host, needed
from tests.netns.wg_programs import host as a_host
from tunnel.lab import Lab

RESOLVCONF = """#!/bin/sh
echo "$@" >> {log}
cat >> {log}
"""


@pytest.fixture
def host(lab: Lab, tmp_path: Path) -> Iterator[Host]:
    needed("wg-quick", "nft", "ip", "bash")
    made = a_host.__wrapped__(lab, tmp_path)  # type: ignore[attr-defined]
    host = next(made)
    stub = tmp_path / "resolvconf"
    stub.write_text(RESOLVCONF.format(log=tmp_path / "resolved"))
    stub.chmod(0o755)
    yield host
    next(made, None)


def quick(host: Host, *words: str, check: bool = True) -> str:
    return host.run("wg-quick", *words, check=check, WG_QUICK_USERSPACE_IMPLEMENTATION="tunnel-wg")


def file(host: Host, interface: str, peer: str) -> str:
    path = host.folder / "wg0.conf"
    path.write_text(f"[Interface]\nPrivateKey = {PRIVATE}\n{interface}\n[Peer]\nPublicKey = {PEERS[0]}\n{peer}\n")
    path.chmod(0o600)
    return str(path)


def test_up_and_down(host: Host):
    log = host.folder / "hooks"
    hooks = "".join(f"{when} = echo {when} %i >> {log}\n" for when in ("PreUp", "PostUp", "PreDown", "PostDown"))
    settings = "Address = 10.7.0.1/24, fd00:7::1/64\nListenPort = 443\nMTU = 1380\nDNS = 10.7.0.2, example.org\n"
    conf = file(host, settings + hooks, "AllowedIPs = 10.7.0.0/24, 10.8.0.0/16\nEndpoint = 192.0.2.1:51820")
    quick(host, "up", conf)
    assert host.node.interface("wg0").mtu == 1380 and host.node.interface("wg0").up
    until(lambda: host.ports() == {443})
    assert "10.8.0.0/16" in host.run("ip", "route", "show", "dev", "wg0")
    assert (host.folder / "resolved").read_text().splitlines()[1:] == ["nameserver 10.7.0.2", "search example.org"]
    assert "already exists" in quick(host, "up", conf, check=False)
    quick(host, "down", conf)
    until(lambda: host.exists() == (False, False) and not host.pids())
    assert log.read_text().split() == ["PreUp", "wg0", "PostUp", "wg0", "PreDown", "wg0", "PostDown", "wg0"]


def test_everything_through_the_tunnel(host: Host):
    conf = file(host, "Address = 10.7.0.1/24", "AllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.1:51820")
    quick(host, "up", conf)
    assert host.run("wg", "show", "wg0", "fwmark") == "0xca6c\n"
    assert "not from all fwmark 0xca6c lookup 51820" in host.run("ip", "rule")
    quick(host, "down", conf)
    until(lambda: host.exists() == (False, False))
    assert "51820" not in host.run("ip", "rule")


def test_save_and_strip(host: Host):
    conf = file(host, "Address = 10.7.0.1/24\nSaveConfig = true", "AllowedIPs = 10.7.0.0/24")
    quick(host, "up", conf)
    host.run("wg", "set", "wg0", "peer", PEERS[1], "allowed-ips", "10.9.0.0/16")
    quick(host, "save", conf)
    assert f"PublicKey = {PEERS[1]}" in Path(conf).read_text()
    stripped = quick(host, "strip", conf)
    assert "Address" not in stripped and f"PrivateKey = {PRIVATE}" in stripped
    quick(host, "down", conf)
    until(lambda: host.exists() == (False, False))
    assert f"PublicKey = {PEERS[0]}" in Path(conf).read_text()
