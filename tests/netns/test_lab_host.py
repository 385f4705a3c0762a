"""What a lab has on the host: cards, bridges and their ports, TAPs, names that iproute2 sees; all of it as root."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.netns.machine import FOLDER, alone, ip, require_same, tunnel
from tests.netns.test_lab_crash import prepare, settled

CARD = """name = "NAME"
[nodes.a]
[nodes.a.interfaces.up0]
type = "card"
card = "card0"
address = ["10.4.0.1/24", "fd00:4::1/64"]
mtu = 1400
mac = "02:00:00:00:00:99"
[nodes.b]
[[links]]
endpoints = ["a:eth0", "b:eth0"]
address = ["10.0.0.1/24", "fd00::1/64"]
peer_address = ["10.0.0.2/24", "fd00::2/64"]
"""
BRIDGE = """name = "NAME"
[nodes.a]
[nodes.b]
[bridges.host0]
host = true
address = ["10.3.0.254/24", "fd00:3::254/64"]
[bridges.host0.interfaces.tap0]
type = "tap"
[[links]]
endpoints = ["a:eth0", "host0"]
address = ["10.3.0.1/24", "fd00:3::1/64"]
[[links]]
endpoints = ["b:eth0", "host0"]
address = ["10.3.0.2/24", "fd00:3::2/64"]
impair = { delay_ms = 5 }
"""


def written(text: str, name: str) -> str:
    file = FOLDER / f"{name}.toml"
    file.write_text(text.replace("NAME", name))
    return str(file)


def link(name: str, *where: str) -> dict[str, Any]:
    """What iproute2 says of an interface."""
    (found,) = json.loads(ip(*where, "-d", "-j", "link", "show", name))
    return dict(found)


def require_answer(*addresses: str) -> None:
    """From the host."""
    for address in addresses:
        subprocess.run(["ping", "-c", "1", "-W", "3", address], check=True, stdout=subprocess.DEVNULL, timeout=10)


def test_a_card_is_given_and_given_back() -> None:
    alone(card)


def card() -> None:
    prepare("")
    for words in ("10.4.0.2/24", "fd00:4::2/64"):
        ip("addr", "add", words, "dev", "far0")
    before = settled()
    file = written(CARD, "office")
    tunnel("lab", "up", "-q", file)
    assert "card0" not in ip("link") and link("up0", "-n", "office-a")["ifindex"]
    require_answer("10.4.0.1", "fd00:4::1")
    tunnel("lab", "down")
    require_same(before)
    ip("link", "set", "card0", "down")
    tunnel("lab", "up", "-q", file)
    tunnel("lab", "down")
    assert "UP" not in link("card0")["flags"]
    told = tunnel("lab", "up", written(CARD.replace('"card0"', '"nonesuch"'), "none"), status=1)
    assert "nonesuch" in told and "none.toml:" in told


def test_the_name_of_a_card_is_taken_meanwhile() -> None:
    alone(taken)


def taken() -> None:
    """It must not be lost with its namespace."""
    prepare("")
    tunnel("lab", "up", "-q", written(CARD, "office"))
    index = link("up0", "-n", "office-a")["ifindex"]
    ip("link", "add", "card0", "type", "bridge")
    told = tunnel("lab", "down", status=2)
    assert "lab office: not all of it could be undone" in told
    told = tunnel("lab", "clean", status=2)
    assert "card up0: the host has another interface card0 by now; rename or delete that" in told
    ip("link", "delete", "card0")
    assert "lab office" in tunnel("lab", "clean")
    assert (link("card0")["ifindex"], "UP" in link("card0")["flags"]) == (index, True)
    assert "office" not in ip("netns")


def test_a_bridge_of_the_host() -> None:
    alone(bridge)


def bridge() -> None:
    before = prepare("")
    tunnel("lab", "up", "-q", written(BRIDGE, "office"))
    require_answer("10.3.0.1", "fd00:3::1", "10.3.0.2", "fd00:3::2")
    ports = {one["ifname"]: one for one in json.loads(ip("-d", "-j", "link", "show", "master", "host0"))}
    hashed = ports.keys() - {"tap0"}
    assert len(hashed) == 2 and all(len(name) == 15 and name.startswith("tn") for name in hashed)
    assert ports["tap0"]["linkinfo"]["info_data"] == {
        **ports["tap0"]["linkinfo"]["info_data"], "type": "tap", "persist": True,
    }  # fmt: skip
    told = tunnel("lab", "up", "-q", written(BRIDGE, "again"), status=1)
    assert "again.toml:4: bridges.host0: the host has an interface of this name" in told
    second = BRIDGE.replace("host0", "host1").replace("tap0", "tap1")
    second = second.replace("10.3.", "10.5.").replace("fd00:3", "fd00:5")
    tunnel("lab", "up", "-q", written(second, "second"))
    require_answer("10.5.0.1", "fd00:5::2", "10.3.0.1")
    tunnel("lab", "down", "office")
    require_answer("10.5.0.1", "fd00:5::2")
    tunnel("lab", "down")
    require_same(before)


def test_a_card_on_a_bridge_of_the_host() -> None:
    alone(bridged_card)


def bridged_card() -> None:
    """It stays in the host's namespace, under another name while the lab is up."""
    before = prepare("")
    more = '[bridges.host0.interfaces.wan0]\ntype = "card"\ncard = "card0"\n'
    tunnel("lab", "up", "-q", written(BRIDGE + more, "office"))
    assert link("wan0")["master"] == "host0" and "card0" not in [one["ifname"] for one in json.loads(ip("-j", "link"))]
    tunnel("lab", "down")
    require_same(before)


def test_iproute2_sees_the_nodes() -> None:
    alone(seen)


def seen() -> None:
    before = prepare("")
    tunnel("lab", "up", "-q", written(CARD, "office"))
    assert {one["name"] for one in json.loads(ip("-j", "netns"))} == {"office-a", "office-b"}
    assert "10.0.0.1/24" in ip("-n", "office-a", "addr", "show", "eth0")
    assert "fd00::2/64" in ip("netns", "exec", "office-b", "ip", "addr", "show", "eth0")
    subprocess.run(["ip", "netns", "exec", "office-b", "ping", "-c", "1", "10.0.0.1"], check=True, capture_output=True)
    assert "office-a" in tunnel("netns", "list")
    tunnel("lab", "down")
    require_same(before)


def test_iproute2_deletes_a_node_of_a_lab_that_is_up() -> None:
    alone(deleted)


def deleted() -> None:
    before = prepare("")
    tunnel("lab", "up", "-q", written(CARD, "office"))
    ip("netns", "delete", "office-a")
    assert "4 of 4 pairs answer" in tunnel("lab", "ping")  # the holder has it still
    tunnel("lab", "down")
    require_same(before, "the card came back")
    tunnel("lab", "up", "-q", written(CARD, "office"))
    ip("netns", "delete", "office-a")
    ip("netns", "add", "office-a")
    tunnel("lab", "down")
    assert [one["name"] for one in json.loads(ip("-j", "netns"))] == ["office-a"], "this one is not the lab's"
    ip("netns", "delete", "office-a")
    require_same(before)
