"""What cannot be started says what, where and what to do, and leaves nothing behind."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.netns.engines import failing, running
from tests.netns.sites import cabled, graph
from tests.netns.test_faults import answers
from tunnel.lab import Lab, Node

NO_TUN = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$@"', "sh"]
FALSE_TUN = [*NO_TUN[:-2], 'mount -t tmpfs none /dev/net && : >/dev/net/tun && exec "$@"', "sh"]
NO_ADMIN = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
ECHO = ["echo", "t0", "--address", "10.7.0.1/24"]
UDP = ["udp", "t0", "--listen", "0.0.0.0:9000", "--learn"]
WIRE = ["wire", "ta", "tb"]


@pytest.fixture
def node(lab: Lab) -> Node:
    made = lab.node("a")
    lab.link((made, "va"), (made, "vb"))
    return made


def refused(node: Node, words: list[str], *wanted: str, within: list[str] | None = None) -> tuple[int, list[str]]:
    """The exit status, and what is wanted and not told, with what is."""
    status, errors = failing(node, *words, within=within or [])
    missing = [text for text in wanted if text not in errors]
    return status, [*missing, errors] if missing else []


@pytest.mark.parametrize("words", [ECHO, UDP, WIRE])
def test_no_tun_driver(node: Node, words: list[str]):
    assert refused(node, words, "opening /dev/net/tun: No such file", "modprobe tun", within=NO_TUN) == (2, [])


def test_something_else_in_the_tun_drivers_place(node: Node):
    said = ("interface t0: Inappropriate ioctl", "/dev/net/tun is not the tun driver")
    assert refused(node, ECHO, *said, within=FALSE_TUN) == (2, [])


@pytest.mark.parametrize("words", [ECHO, UDP, WIRE])
def test_no_rights(node: Node, words: list[str]):
    said = (f"interface {words[1]}: Operation not permitted", "CAP_NET_ADMIN")
    assert refused(node, words, *said, within=NO_ADMIN) == (2, [])


def test_no_rights_for_a_packet_socket(node: Node, tmp_path: Path):
    file = graph(
        tmp_path,
        """
        [devices.va]
        type = "packet_socket"
        [handlers.echo]
        type = "echo"
        [graph]
        links = ["va -- echo"]
        """,
    )
    node.up("va", "vb")
    assert refused(node, ["run", file], "interface va: ", "CAP_NET_ADMIN", within=NO_ADMIN) == (2, [])


def test_a_name_in_use(node: Node):
    assert refused(node, ["echo", "va"], "interface va: ", "choose another") == (2, [])
    assert refused(node, ["wire", "ta", "va"], "interface va: ", "choose another") == (2, [])
    with running(node, *ECHO) as engine:
        assert refused(node, ["echo", "t0"], "interface t0: Device or resource busy", "choose another") == (2, [])
        assert refused(node, ["echo", "t0", "--tap"], "interface t0: ", "choose another") == (2, [])
        assert answers(node)
        engine.stop()


@pytest.mark.parametrize("name", ["a-name-of-16-byte", "a/b", "a b", "", "."])
def test_a_name_that_no_interface_can_have(node: Node, name: str):
    assert refused(node, ["echo", "--", name], repr(name), "1 to 15 bytes") == (1, [])
    assert refused(node, ["wire", "--", "ta", name], repr(name), "1 to 15 bytes") == (1, [])


@pytest.mark.parametrize("mtu", ["67", "65536", "-1"])
def test_an_mtu_that_none_can_have(node: Node, mtu: str):
    for words in (ECHO, UDP, WIRE):
        assert refused(node, [*words, "--mtu", mtu], "--mtu", "68", "65535", "--help") == (1, [])


def test_an_mtu_that_this_device_cannot_have(node: Node):
    assert refused(node, [*ECHO, "--tap", "--mtu", "65535"], "interface t0: MTU 65535: ", "65521 for a TAP") == (2, [])
    assert refused(node, [*WIRE, "--mtu", "65530"], "interface ta: MTU 65530: ", "65521 for a TAP") == (2, [])


def test_a_port_in_use(node: Node):
    for family, where in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with node.socket(family, socket.SOCK_DGRAM) as taken:
            taken.bind((where, 9000))
            host = f"[{where}]" if ":" in where else where
            words = ["udp", "t0", "--listen", f"{host}:9000", "--learn"]
            assert refused(node, words, f"udp {host}:9000: Address already in use", "`ss -ulpn` shows whose") == (2, [])


def test_an_address_of_a_family_that_is_off(node: Node):
    node.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
    node.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    echo, udp = ["echo", "t0", "--address", "fd00::1/64"], ["udp", "t0", "--listen", "[fd00::1]:9000", "--learn"]
    assert refused(node, echo, "interface t0: address fd00::1/64", "disable_ipv6") == (2, [])
    assert refused(node, udp, "udp [fd00::1]:9000", "`ip address`") == (2, [])


def test_an_mtu_too_small_for_ipv6(node: Node):
    assert refused(node, ["echo", "t0", "--mtu", "1000", "--address", "fd00::1/64"], "fd00::1/64", "1280") == (2, [])


def test_listening_to_both_families_where_ipv6_is_off(lab: Lab):
    """The kernel lets IPv4 datagrams through to such a socket."""
    west, east = cabled(lab, "192.0.2.{}/24")
    for here in (west, east):
        here.sysctl("net.ipv6.conf.all.disable_ipv6", 1)
    words = ["udp", "t0", "--listen", "[::]:9000", "--address"]
    with (
        running(west, *words, "10.7.0.1/24", "--peer", "192.0.2.2:9000") as near,
        running(east, *words, "10.7.0.9/24", "--learn") as far,
    ):
        assert answers(west)
        assert near.stop()["devices"]["underlay"]["tx"]["packets"] >= 10
        far.stop()


@pytest.mark.parametrize("address", ["10.7.0.1/33", "10.7.0.1", "host/24", "fd00::1/129", ""])
def test_an_address_that_is_none(node: Node, address: str):
    assert refused(node, ["echo", "t0", "--address", address], address or repr(address)) == (1, [])


WRONG = """\
[devices.t0]
type = "tunn"
[devices.t1]
type = "tun"
mtu = 9
adress = []
[devices.t2]
type = "tun"
[handlers.echo]
type = "echo"
[graph]
links = ["t0 -- echo", "t1 -- echo", "t2 -- eco"]
"""


@pytest.mark.parametrize("command", ["run", "check"])
def test_every_mistake_of_a_graph_file_is_told(node: Node, tmp_path: Path, command: str):
    file = graph(tmp_path, WRONG)
    places = [f"{file}:{line}: " for line in (2, 5, 6, 12)]
    meant = [f'did you mean "{name}"' for name in ("tun", "address", "echo")]
    assert refused(node, [command, file], *places, *meant) == (1, [])


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_graph_file_that_cannot_be_read(node: Node, tmp_path: Path, command: str):
    assert refused(node, [command, str(tmp_path / "none.toml")], "none.toml: cannot be read: No such file") == (1, [])
    assert refused(node, [command, str(tmp_path)], str(tmp_path)) == (1, [])
    binary = tmp_path / "bytes.toml"
    binary.write_bytes(b"a = 1\nb = '\xff'\n")
    assert refused(node, [command, str(binary)], "bytes.toml:2: found the byte 0xff", "UTF-8") == (1, [])
    assert refused(node, [command, graph(tmp_path, "[devices\n")], "graph.toml:1: not TOML") == (1, [])


def test_the_second_device_that_fails_takes_the_first_along(node: Node, tmp_path: Path):
    file = graph(
        tmp_path,
        """
        [devices.t0]
        type = "tun"
        [devices.wan]
        type = "udp"
        listen = "192.0.2.9:9000"
        [handlers.t]
        type = "udp_tunnel"
        learn = true
        [graph]
        links = ["t0 -- t.overlay", "t.underlay -- wan"]
        """,
    )
    assert refused(node, ["run", file], "udp 192.0.2.9:9000: ", "`ip address` shows them") == (2, [])
