"""Unit tests again, of the package built with the sanitizers: in it no nonce is sealed with twice without an abort."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.fuzz.run import TOP, build, environment

UNITS = ("tests/unit/protocols/wireguard/test_exchange.py", "tests/unit/handlers/test_wireguard.py")
REUSE = """
from tests.fuzz.impostor import rewind
from tests.unit.protocols.wireguard.ends import Net
net = Net()
for rewound in (False, False, True):
    if rewound:
        print("rewound", flush=True)
        rewind(net.a.handler.interface)
    net.send(net.a)
"""


def sanitized(*words: str) -> subprocess.CompletedProcess[str]:
    """A Python with the sanitized package."""
    command = [sys.executable, "-P", *words]
    return subprocess.run(command, cwd=TOP, env=os.environ | environment(), capture_output=True, text=True, check=False)


@pytest.mark.fuzz
def test_sessions_under_the_sanitizers():
    build()
    done = sanitized("-m", "pytest", "-p", "no:cacheprovider", "-o", "pythonpath=", *UNITS)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.fuzz
def test_a_nonce_that_is_used_twice_is_an_abort():
    build()
    done = sanitized("-c", REUSE)
    assert (done.returncode, done.stdout) == (-signal.SIGABRT, "rewound\n")
    assert "a nonce was about to be used twice" in done.stderr
