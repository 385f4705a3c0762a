"""Topology files for tests, and what is found wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel.errors import ConfigError
from tunnel.lab.topology_facts import Facts
from tunnel.lab.topology_file import parse

LABS = Path(__file__).parents[3] / "examples" / "labs"

# Line 1 is the name; each test changes one place of it.
SOUND = """\
name = "office"
[nodes.a]
routes = [{ to = "default", via = "10.0.0.254" }, { to = "10.9.0.0/16", interface = "tun0" }]
sysctls = { "net.ipv4.conf.eth0.forwarding" = 1 }
masquerade = ["eth0"]
[nodes.a.interfaces.tun0]
type = "tun"
address = ["10.8.0.1/24"]
[nodes.b]
neighbours = [{ interface = "eth0", address = "10.0.0.1", mac = "02:00:00:00:00:01" }]
rules = [{ table = 7, from = "10.0.0.2/32", iif = "lo" }]
[bridges.br0]
address = ["10.0.0.254/24", "fd00::254/64"]
[bridges.br1]
[[links]]
endpoints = ["a:eth0", "br0"]
address = ["10.0.0.1/24", "fd00::1/64"]
[[links]]
endpoints = ["b:eth0", "br0"]
address = ["10.0.0.2/24", "fd00::2/64"]
impair = { delay_ms = 20, loss_pct = 1.0 }
[[links]]
endpoints = ["br0", "br1"]
"""


def mistakes(text: str, facts: Facts | None = None) -> list[str]:
    """What is reported, each as ``line: text``."""
    with pytest.raises(ConfigError) as caught:
        parse(text, "lab.toml", facts)
    assert {problem.file for problem in caught.value.problems} == {"lab.toml"}
    return [f"{problem.line}: {problem.text}" for problem in caught.value.problems]


def changed(old: str, new: str) -> str:
    """``SOUND`` with one place of it changed."""
    assert SOUND.count(old) == 1, old
    return SOUND.replace(old, new)


def the_mistake(old: str, new: str, facts: Facts | None = None) -> str:
    """The only mistake of the changed file."""
    (found,) = mistakes(changed(old, new), facts)
    return found
