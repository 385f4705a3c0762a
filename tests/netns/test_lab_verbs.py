"""What the commands do with labs that are up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from tests.netns.machine import FOLDER, IS_ROOT, alone, require_same, said, state, tunnel

OFFICE = """name = "NAME"
[nodes.a]
[nodes.b]
[[nodes.a.run]]
command = ["sh", "-c", "echo ready; sleep 1000 & sleep 1000"]
ready = { line = "ready" }
[bridges.br0]
address = ["10.0.0.254/24", "fd00::254/64"]
[[links]]
endpoints = ["a:eth0", "br0"]
address = ["10.0.0.1/24", "fd00::1/64"]
[[links]]
endpoints = ["b:eth0", "br0"]
address = ["10.0.0.2/24", "fd00::2/64"]
impair = { delay_ms = 10 }
"""


RUN = "[[nodes.b.run]]\ncommand = "


def written(name: str = "office", more: str = "") -> str:
    """A file of a lab of that name."""
    file = FOLDER / f"{name}.toml"
    file.write_text(OFFICE.replace("NAME", name) + more)
    return str(file)


def test_a_lab_that_is_looked_at_and_changed() -> None:
    alone(looked_at, ordinary=not IS_ROOT)


def looked_at() -> None:
    file = written()
    before = state()
    assert "lab office is up" in tunnel("lab", "up", file)
    shown = tunnel("lab", "show")
    assert "lab office" in shown and "a:eth0 -- br0" in shown and "sh (running)" in shown and "engine" in shown
    found = json.loads(tunnel("lab", "show", "-j"))
    assert [node["name"] for node in found["nodes"]] == ["a", "b"]
    picture = ElementTree.fromstring(tunnel("lab", "show", "--svg", "-"))
    assert picture.tag.endswith("svg") and "office" in "".join(picture.itertext())
    assert tunnel("lab", "exec", "a", "sh", "-c", "echo $TUNNEL_LAB $TUNNEL_NODE; ls /run") == "office a\n"
    tunnel("lab", "exec", "a", "sh", "-c", "exit 5", status=5)
    assert "nonesuch" in tunnel("lab", "exec", "a", "nonesuch", status=127)
    assert "the lab has none of that name; it has" in tunnel("lab", "exec", "z", "true", status=2)
    assert "10.0.0.2" in tunnel("lab", "shell", "b", text="ip addr show eth0\nexit\n")
    tunnel("lab", "shell", "b", text="exit 7\n", status=7)
    change()
    capture()
    tunnel("lab", "down")
    require_same(before)
    assert "it is not up" in tunnel("lab", "down", file, status=2)


def fastest_ms() -> float:
    pairs = json.loads(tunnel("lab", "ping", "-j"))["pairs"]
    return min(pair["rtt_ms"]["min"] for pair in pairs)


def change() -> None:
    """Of what happens on the carried link; the other one is the kernel's."""
    assert 20 <= fastest_ms() < 30
    assert json.loads(tunnel("lab", "impair", "-j", "b:eth0"))["delay_ms"] == 10
    assert "25" in tunnel("lab", "impair", "b:eth0", "delay_ms=25")
    assert 50 <= fastest_ms() < 60
    tunnel("lab", "impair", "b:eth0", "back.delay_ms=0")
    assert 25 <= fastest_ms() < 35
    refused = tunnel("lab", "impair", "a:eth0", "delay_ms=5", status=2)
    assert "this link is the kernel's alone" in refused and "an impair table" in refused
    assert "no link has this end" in tunnel("lab", "impair", "a:eth9", status=2)
    assert "KEY=NUMBER" in tunnel("lab", "impair", "b:eth0", "delay_ms", status=1)
    assert "delay" in tunnel("lab", "impair", "b:eth0", "delay_ms=-1", status=2)


def capture() -> None:
    """What passes while others ping, to a file and to a pipe."""
    words = [sys.executable, "-m", "tunnel", "lab", "capture", "a:eth0", "--count", "4"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        head = process.stdout.read(4)  # it listens
        tunnel("lab", "ping")
        blocks, errors = process.communicate(timeout=20)
    assert head == b"\x0a\x0d\x0d\x0a" and len(blocks) > 300 and b"4 packets captured" in errors


def test_labs_side_by_side() -> None:
    alone(side_by_side, ordinary=not IS_ROOT)


def side_by_side() -> None:
    one, other = written("one"), written("other")
    before = state()
    tunnel("lab", "up", "-q", one)
    tunnel("lab", "up", "-q", other)
    taken = tunnel("lab", "up", one, status=1)
    assert "lab one: one of that name is up; choose another, or take it down: tunnel lab down one" in taken
    assert "2 labs are up: one, other; choose one by --lab NAME" in tunnel("lab", "show", status=2)
    for name in ("one", "other"):
        assert "4 of 4 pairs answer" in tunnel("lab", "ping", "--lab", name)
    tunnel("lab", "down", "one")
    assert "other" in tunnel("lab", "exec", "a", "sh", "-c", "echo $TUNNEL_LAB")
    tunnel("lab", "up", "-q", one)
    tunnel("lab", "down", "--all")
    require_same(before)


def test_what_the_kernel_refuses_has_a_line_and_leaves_nothing() -> None:
    alone(refused, ordinary=not IS_ROOT)


def refused() -> None:
    more = '[nodes.c]\nsysctls = { "net.ipv4.ip_default_ttl" = 70000 }\n'
    file, line = written("refused", more), OFFICE.count("\n") + 2
    unknown = written("unknown", '[nodes.c]\nsysctls = { "net.ipv4.nonesuch" = 1 }\n')
    failing = written("failing", RUN + '["sh", "-c", "echo too bad; exit 3"]\nready = { exit = true }\n')
    endless = written("endless", RUN + '["sleep", "99"]\nready = { line = "x", timeout_s = 0.2 }\n')
    before = state()
    told = tunnel("lab", "up", file, status=2)
    assert f"refused.toml:{line}" in told and "Invalid argument" in told and "ip_default_ttl" in told, told
    require_same(before)
    assert f"unknown.toml:{line}" in (told := tunnel("lab", "up", unknown, status=2)) and "No such file" in told
    require_same(before)
    told = tunnel("lab", "up", failing, status=2)
    assert f"failing.toml:{line - 1}" in told and "ended with 3: too bad" in told
    require_same(before)
    assert "not ready after 0.2 s" in tunnel("lab", "up", endless, status=2)
    require_same(before)


def test_a_full_disk_for_the_record() -> None:
    alone(full_disk, ordinary=False)


def full_disk() -> None:
    """A runtime folder in which there is room for fewer and fewer of the records."""
    file, folder = written("full"), Path("/run/tunnel")
    folder.mkdir(0o700)
    before = state()
    for room in (0, 1, 2, 3):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k,mode=700", "none", folder], check=True)
        (folder / "rest").write_bytes(bytes(4096 * (4 - room)))
        told = said_up(file)
        assert "No space left on device" in told or "is up" in told
        assert "max_user_namespaces" not in told
        subprocess.run(["umount", folder], check=True)
        require_same(before, room)


def said_up(file: str) -> str:
    """What `lab up` says; a lab that came up is ended."""
    told = said("lab", "up", file)
    if "is up" in told:
        tunnel("lab", "down", "--all")
    return told
