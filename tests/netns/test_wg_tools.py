"""Stock `wg` configures the interface and reads it back; bad input leaves it as it was."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.netns.wg_programs import Host, needed
from tests.netns.wg_programs import host as a_host
from tunnel.lab import Lab

PRIVATE = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk="
PEERS = ["xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=", "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=",
         "gN65BkIKy1eCE9pP1wdc8ROUtkHLF2PfAqYdyYBz6EA="]  # fmt: skip
PSK = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE="
FULL = f"""[Interface]
ListenPort = 51820
FwMark = 0x7
PrivateKey = {PRIVATE}

[Peer]
PublicKey = {PEERS[0]}
PresharedKey = {PSK}
AllowedIPs = 10.1.0.0/16, fd00:1::/32, 0.0.0.0/0
Endpoint = [2001:db8::1]:51820
PersistentKeepalive = 25

[Peer]
PublicKey = {PEERS[1]}
AllowedIPs = 10.2.0.0/16
Endpoint = 192.0.2.1:9
"""


@pytest.fixture
def host(lab: Lab, tmp_path: Path) -> Iterator[Host]:
    needed("wg")
    made = a_host.__wrapped__(lab, tmp_path)  # type: ignore[attr-defined]
    host = next(made)
    host.run("tunnel-wg", "wg0")
    yield host
    next(made, None)


def written(host: Host, text: str) -> str:
    file = host.folder / "file"
    file.write_text(text)
    file.chmod(0o600)
    return str(file)


def sections(text: str) -> set[str]:
    """Of a file; `wg` sorts the peers as it likes."""
    return {part.strip() for part in text.strip().split("\n\n")}


def test_a_file_is_set_and_shown(host: Host):
    host.run("wg", "setconf", "wg0", written(host, FULL))
    assert sections(host.run("wg", "showconf", "wg0")) == sections(FULL)
    assert host.run("wg", "show", "interfaces") == "wg0\n"
    shown = host.run("wg", "show", "wg0")
    assert "(hidden)" in shown and PRIVATE not in shown and "fwmark: 0x7" in shown
    dump = [line.split("\t") for line in host.run("wg", "show", "wg0", "dump").splitlines()]
    assert dump[0][0] == PRIVATE and dump[0][2:] == ["51820", "0x7"]
    assert dump[1] == [PEERS[0], PSK, "[2001:db8::1]:51820", "10.1.0.0/16,fd00:1::/32,0.0.0.0/0", "0", "0", "0", "25"]
    assert dump[2] == [PEERS[1], "(none)", "192.0.2.1:9", "10.2.0.0/16", "0", "0", "0", "off"]


def test_addconf_adds_and_setconf_replaces(host: Host):
    host.run("wg", "setconf", "wg0", written(host, FULL))
    more = f"[Peer]\nPublicKey = {PEERS[2]}\nAllowedIPs = 10.1.0.0/16"
    host.run("wg", "addconf", "wg0", written(host, more))
    shown = sections(host.run("wg", "showconf", "wg0"))
    assert more in shown and len(shown) == 4
    assert any("AllowedIPs = fd00:1::/32, 0.0.0.0/0\n" in part for part in shown)
    host.run("wg", "setconf", "wg0", written(host, more))
    assert sections(host.run("wg", "showconf", "wg0")) == {"[Interface]", more}


def test_syncconf_changes_what_differs(host: Host):
    host.run("wg", "setconf", "wg0", written(host, FULL))
    wanted = FULL[: FULL.rindex("[Peer]")].replace("PersistentKeepalive = 25", "PersistentKeepalive = 7")
    wanted += f"[Peer]\nPublicKey = {PEERS[2]}\nAllowedIPs = 10.2.0.0/16\n"
    host.run("wg", "syncconf", "wg0", written(host, wanted))
    assert sections(host.run("wg", "showconf", "wg0")) == sections(wanted)


def test_single_values_are_set(host: Host):
    peer = ("peer", PEERS[0])
    host.run("wg", "set", "wg0", "private-key", written(host, PRIVATE), "listen-port", "1", "fwmark", "0xffffffff")
    host.run("wg", "set", "wg0", *peer, "allowed-ips", "10.9.8.7/8,::1/0", "endpoint", "192.0.2.1:65535")
    host.run("wg", "set", "wg0", *peer, "persistent-keepalive", "65535", "preshared-key", written(host, PSK))
    assert host.run("wg", "show", "wg0", "allowed-ips") == f"{PEERS[0]}\t10.0.0.0/8 ::/0\n"
    assert host.run("wg", "show", "wg0", "fwmark") == "0xffffffff\n"
    host.run("wg", "set", "wg0", *peer, "persistent-keepalive", "off", "preshared-key", "/dev/null")
    host.run("wg", "set", "wg0", "private-key", "/dev/null", "fwmark", "off", "listen-port", "0")
    assert sections(host.run("wg", "showconf", "wg0")) == {
        "[Interface]", f"[Peer]\nPublicKey = {PEERS[0]}\nAllowedIPs = 10.0.0.0/8, ::/0\nEndpoint = 192.0.2.1:65535",
    }  # fmt: skip
    host.run("wg", "set", "wg0", *peer, "remove", "peer", PEERS[1], "remove")
    assert host.run("wg", "showconf", "wg0").strip() == "[Interface]"


def test_large_configurations(host: Host):
    prefixes = ", ".join(f"{a}.{b}.0.0/16, fd{a:02x}:{b:x}::/32" for a in range(255) for b in range(256))
    file = written(host, f"[Interface]\nListenPort = 7\n\n[Peer]\nPublicKey = {PEERS[0]}\nAllowedIPs = {prefixes}\n")
    began = monotonic()
    host.run("wg", "setconf", "wg0", file)
    shown = host.run("wg", "show", "wg0", "allowed-ips")
    assert len(shown.split()) == 1 + 130_560
    assert monotonic() - began < 10


def test_what_a_stranger_writes_leaves_the_interface_as_it_is(host: Host):
    host.run("wg", "setconf", "wg0", written(host, FULL))
    before = host.run("wg", "showconf", "wg0")
    for text in ("hello\n", "\n", "get=1\n", "x" * 100_000, "\0" * 10):
        assert host.ask(text) == ""
    assert host.ask("set=1\nprivate_key=" + "0" * 5000) == f"errno=-{errno.EINVAL}\n\n"
    assert host.ask("set=1\nnonsense\n\n") == f"errno=-{errno.EPROTO}\n\n"
    for line in ("private_key=00", "listen_port=65536", "public_key=", "fwmark=x"):
        assert host.ask(f"set=1\n{line}\n\n") == f"errno=-{errno.EINVAL}\n\n"
    assert host.run("wg", "showconf", "wg0") == before


@pytest.mark.parametrize("zone", ["nothere", "4294967296", "-1", "a" * 100])
def test_an_endpoint_on_an_interface_that_is_not_here(host: Host, zone: str):
    peer = f"public_key={bytes(range(32)).hex()}"
    assert host.ask(f"set=1\n{peer}\nendpoint=[fe80::1%{zone}]:1\n\n") == f"errno=-{errno.EINVAL}\n\n"
    assert "endpoint" not in host.ask("get=1\n\n")


def test_several_messages_on_one_connection(host: Host):
    answers = host.ask("set=1\nfwmark=1\n\nget=1\n\nset=1\nx=1\n\nset=1\nfwmark=2\n\nget=1\n\n")
    assert answers == "errno=0\n\nfwmark=1\nerrno=0\n\nerrno=-22\n\nerrno=0\n\nfwmark=2\nerrno=0\n\n"


def test_a_name_that_is_none(host: Host):
    assert host.run("wg", "show", "wg9", check=False).startswith("1: Unable to access interface")
