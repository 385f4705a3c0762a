"""The two hosts of docs/wireguard.md, as a reader would set them up."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE

from tests.docs.blocks import blocks
from tests.interop.ends import ours, require
from tests.interop.pairs import answers, cabled
from tests.netns.engines import until
from tunnel.lab import Lab, Node

PAGE = Path(__file__).parents[2] / "docs" / "wireguard.md"
Run = Callable[[str], str]


@contextmanager
def own_run(node: Node) -> Iterator[Run]:
    """A way to run shell commands in a node with a /run of its own, for hosts whose interfaces have one name."""
    words = "mount -t tmpfs tmpfs /run && echo ready && exec cat"
    with node.popen(["unshare", "--mount", "sh", "-c", words], stdin=PIPE, stdout=PIPE, text=True) as keeper:
        assert keeper.stdout.readline() == "ready\n"
        enter = ["nsenter", f"--mount=/proc/{keeper.pid}/ns/mnt", "sh", "-euc"]

        def run(text: str) -> str:
            done = node.run([*enter, f"exec 2>&1\n{text}"], check=False)
            assert done.returncode == 0, f"{text}\n{done.stdout}"
            return done.stdout

        yield run
        keeper.stdin.close()


def test_two_hosts_in_five_minutes(lab: Lab, tmp_path: Path):
    require(ours(), "wg", "wg-quick", "ping")
    (tmp_path / "tunnel-wg").symlink_to(shutil.which(ours()))
    nodes = dict(zip("ab", cabled(lab), strict=True))
    keys: dict[str, str] = {}
    steps = [block for block in blocks(PAGE) if "host" in block.marks]
    with ExitStack() as stack:
        runs = {host: stack.enter_context(own_run(node)) for host, node in nodes.items()}
        for block in steps:
            host, text = block.marks["host"], block.text
            for other, key in keys.items():
                text = text.replace(f"PUBLIC_KEY_OF_{other.upper()}", key)
            folder = tmp_path / host
            folder.mkdir(exist_ok=True)
            said = runs[host](f"cd {folder}; PATH={tmp_path}:{os.environ['PATH']}\n{text}")
            keys.setdefault(host, said.strip())
        assert len(steps) == 4
        assert "latest handshake" in said and "10.8.0.1/32" in said
        assert answers(nodes["a"], "10.8.0.2")
        for node in nodes.values():
            node.delete("wg0")
        until(lambda: not any(run("ls /run/wireguard").strip() for run in runs.values()))
