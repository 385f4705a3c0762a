"""The two hosts of docs/wireguard.md, as a reader would set them up."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.docs.blocks import blocks
from tests.interop.ends import ours, require
from tests.interop.pairs import answers, cabled
from tests.netns.engines import until
from tunnel.lab import Lab, Node

PAGE = Path(__file__).parents[2] / "docs" / "wireguard.md"
Run = Callable[[str], str]


def shell(node: Node, text: str) -> str:
    """What shell commands say in a node."""
    done = node.run(["sh", "-euc", f"exec 2>&1\n{text}"], check=False)
    assert done.returncode == 0, f"{text}\n{done.stdout}"
    return done.stdout


def test_two_hosts_in_five_minutes(lab: Lab, tmp_path: Path):
    require(ours(), "wg", "wg-quick", "ping")
    (tmp_path / "tunnel-wg").symlink_to(shutil.which(ours()))
    nodes = dict(zip("ab", cabled(lab), strict=True))
    keys: dict[str, str] = {}
    steps = [block for block in blocks(PAGE) if "host" in block.marks]
    for block in steps:
        host, text = block.marks["host"], block.text
        for other, key in keys.items():
            text = text.replace(f"PUBLIC_KEY_OF_{other.upper()}", key)
        folder = tmp_path / host
        folder.mkdir(exist_ok=True)
        said = shell(nodes[host], f"cd {folder}; PATH={tmp_path}:{os.environ['PATH']}\n{text}")
        keys.setdefault(host, said.strip())
    assert len(steps) == 4
    assert "latest handshake" in said and "10.8.0.1/32" in said
    assert answers(nodes["a"], "10.8.0.2")
    for node in nodes.values():
        node.delete("wg0")
    until(lambda: not any(shell(node, "ls /run/wireguard").strip() for node in nodes.values()))
