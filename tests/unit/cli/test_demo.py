"""When the demo takes the engines for silent; the demo itself is in tests/netns."""

import subprocess
import sys
import time

from tunnel.cli.demo import asleep

PATIENCE_S = 10


def comes_to(pid: int, state: bool) -> bool:
    """Whether it is so, sooner or later."""
    until = time.monotonic() + PATIENCE_S
    while asleep(pid) != state:
        if time.monotonic() > until:
            return False
    return True


def test_who_waits_for_input_is_asleep_and_who_computes_is_not():
    words = [sys.executable, "-c", "input()\nwhile True: pass"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, text=True) as process:
        try:
            assert comes_to(process.pid, True)
            process.stdin.write("\n")
            process.stdin.flush()
            assert comes_to(process.pid, False)
            assert not any(asleep(process.pid) for _ in range(1000))
        finally:
            process.kill()
