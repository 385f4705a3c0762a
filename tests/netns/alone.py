"""Tests that need a network namespace to themselves, with or without root."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tunnel.lab import Lab
from tunnel.lab.named import new_net

another = new_net  # a descriptor of a further, empty namespace; for a process inside a node


def alone(function: Callable[[], None]) -> Callable[[Lab], None]:
    """The test that runs ``function`` in a process of its own, inside a node.

    Without root a process cannot enter a node's namespace by itself; a program started there can do
    everything in it. The node has a veth pair, ``va`` and ``vb``, both up.
    """

    def test(lab: Lab) -> None:
        node = lab.node("node")
        lab.link((node, "va"), (node, "vb"))
        node.up("va", "vb")
        module = f"tests.netns.{Path(function.__code__.co_filename).stem}"
        program = f"import {module} as tests; tests.{function.__name__}.body()"
        done = node.run([sys.executable, "-c", program], check=False)
        assert done.returncode == 0, done.stderr

    test.__name__, test.__doc__, test.__module__ = function.__name__, function.__doc__, function.__module__
    test.body = function  # type: ignore[attr-defined]
    return test
